"""Which of what is at a source goes: the patterns of a choice, held against paths below it."""

from __future__ import annotations

from events.jobs import ErrorClass
from events.patterns import BadPattern, Patterns
from services.agent.commands import Choice
from services.agent.faults import Fault


class Chosen:
    """Raises Fault: patterns that are well alone may be too large together."""

    def __init__(self, choice: Choice) -> None:
        try:
            self._include = Patterns(choice.include)
            self._exclude = Patterns(choice.exclude)
        except BadPattern as error:
            message = f"transfer_include and transfer_exclude: {error}"
            raise Fault(ErrorClass.INTERNAL, message) from error
        self.picks = bool(self._include)

    def is_out(self, uri: str, *, folder: bool = False) -> bool:
        return bool(self._exclude) and self._exclude.match(uri, folder=folder)

    def is_in(self, uri: str, *, folder: bool = False) -> bool:
        """Whether it is picked by itself; all is where nothing is picked."""
        return not self.picks or self._include.match(uri, folder=folder)
