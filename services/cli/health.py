"""`health`: is all well behind the gateway, and how far is anything behind? Changes nothing."""

from __future__ import annotations

from services.cli import screen, words
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import FAILED
from services.gateway.resources import Health

OK = "ok"


def health(*, json: bool = False, connection: Connection = HERE) -> int:
    """Say whether all is well, and how far each projection is behind the log.

    The status is 0 if all is well, else 1.

    Parameters
    ----------
    json
        Print JSON.
    """
    found = connect(connection).get(Health, "health", beside=True)
    if json:
        screen.emit(found)
    else:
        _say(found)
    return 0 if found.status == OK else FAILED


def _say(found: Health) -> None:
    screen.facts(
        [
            ("status", screen.plain(found.status, "green" if found.status == OK else "red")),
            ("version", found.version),
            ("sequence", f"{found.sequence:,}"),
            *((name.replace("_", " "), said) for name, said in found.checks.items()),
        ]
    )
    screen.say("")
    made = screen.table("PROJECTION", "AT", "BEHIND", "FOR", right=("AT", "BEHIND", "FOR"))
    for lag in found.lags:
        behind = words.count(lag.events, "event")
        made.add_row(lag.projection, f"{lag.sequence:,}", behind, f"{lag.ms:,} ms")
    screen.draw(made)
