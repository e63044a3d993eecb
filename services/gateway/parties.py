r"""A party of a transfer as a person writes it: `endpoint:volume/path`, read and judged.

Pure. Whether the endpoint and the volume exist is for the scheduler to say; here is refused only
what can be no party at all. The path is text by the escape of `events/names.py`.
"""

from __future__ import annotations

from events.names import BadEscape, shown, to_bytes
from services.scheduler.commands import PartyNamed, Rejected, Why

TEXT_MAX = 16_384
PATH_BYTES_MAX = 4_096
NAME_BYTES_MAX = 255
CODE_MAX = 255
EXAMPLE = "write it as endpoint:volume/path, for example hq:projects/shot010/"


def read_source(text: str) -> PartyNamed | Rejected:
    """A source without a path is the whole volume."""
    party = read(text, "source")
    if isinstance(party, PartyNamed) and party.path is None:
        return PartyNamed(party.endpoint, party.volume, "")
    return party


def read_destination(text: str) -> PartyNamed | Rejected:
    """A destination without a path (`stockholm:incoming`) mirrors the source's."""
    return read(text, "destination")


def read(text: str, field: str) -> PartyNamed | Rejected:
    """The party that `text` names, its path None where none is written; `field` is for refusals."""
    fault = _fault(text)
    if fault:
        return Rejected(Why.INVALID, f"{field}: {fault}", field)
    endpoint, _, rest = text.partition(":")
    volume, slash, path = rest.partition("/")
    return PartyNamed(endpoint, volume, path if slash else None)


def read_folder(text: str, field: str) -> tuple[str, str] | Rejected:
    """The volume and the path of a folder on whichever endpoint, written as `volume/path`."""
    volume, _, path = text.partition("/")
    fault = _code_fault("volume", volume, "write it as volume/path") or _path_fault(path)
    return Rejected(Why.INVALID, f"{field}: {fault}", field) if fault else (volume, path)


def _fault(text: str) -> str:
    if len(text) > TEXT_MAX:
        return f"it has {len(text)} characters: at most {TEXT_MAX}"
    endpoint, colon, rest = text.partition(":")
    volume, _, path = rest.partition("/")
    if not colon or "/" in endpoint:
        return f"{quoted(text)} names no endpoint: {EXAMPLE}"
    return _code_fault("endpoint", endpoint) or _code_fault("volume", volume) or _path_fault(path)


def _code_fault(noun: str, code: str, example: str = EXAMPLE) -> str:
    if not code:
        return f"the {noun} is missing: {example}"
    if len(code) > CODE_MAX:
        return f"the name of the {noun} has {len(code)} characters: at most {CODE_MAX}"
    if shown(code) != code or code.strip() != code or not is_utf8(code):
        return f"the {noun} {quoted(code)} has characters that no name has: {example}"
    return ""


def is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _path_fault(path: str) -> str:
    if path.startswith("/"):
        return f"the path {quoted(path)} is absolute: write it as it lies in the volume"
    if "\0" in path:
        return "the path holds a NUL character, which no file name can: leave it out"
    try:
        name = to_bytes(path)
    except BadEscape as error:
        return f"the path is not escaped as a name is: {error}"
    if len(name) > PATH_BYTES_MAX:
        return f"the path has {len(name)} bytes: at most {PATH_BYTES_MAX}"
    return next((fault for part in _parts(path) if (fault := _part_fault(part))), "")


def _parts(path: str) -> list[str]:
    return path.removesuffix("/").split("/") if path else []


def _part_fault(part: str) -> str:
    if part == "":
        return "the path has two slashes in a row: write one"
    if part in (".", ".."):
        return f"the path holds {part!r}: write where it leads, inside the volume"
    if len(to_bytes(part)) > NAME_BYTES_MAX:
        return f"a name in the path has more than {NAME_BYTES_MAX} bytes: no file has"
    return ""


def quoted(text: str) -> str:
    return repr(shown(text if len(text) <= 80 else f"{text[:80]}…"))
