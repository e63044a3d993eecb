r"""On which endpoints a compute job may run: `ram:>32g`, `site:hq+oslo|-attic`. Pure.

A filter is a field, a colon, and what the machine has to be; a job's filters must all fit.

    number  = ("ram" | "cores") ":" (">=" | "<=" | ">" | "<" | "=") amount
    amount  = digits ["." digits] ["k" | "m" | "g" | "t" ["b"]]    ram only: binary, 1g = 1024^3
    names   = ("site" | "hostname" | "platform" | "tag") ":" part {"|" part}
    part    = ["-"] name {"+" name}       `a+b`: one of these; `-c`: not this one; `-c+a` is both
            | "+" name {("+" | "-") name}                  `+x-y`: x and not y, names without "-"

Names are letters, digits, `_`, `.`, `-`, and `*` and `?` as wildcards; capitals do not matter. With
names to be and names not to be, a machine must be one of the first and none of the second; of a
machine with several tags, one is enough for either. The forms are those of the field
(`ram:>32g`, `cores:=12`, `site:a+b|-c`, `hostname:+x-y` in accsyn's manual).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from math import floor, inf

from msgspec import Struct

from events.endpoints import Machine

FILTERS_MAX = 32
LENGTH_MAX = 1_000
GRAMMAR = (
    "write ram:>32g, cores:>=8 (with > >= < <= =, units k m g t), or site:a+b|-c, hostname:+x-y, "
    "platform:linux, tag:gpu (+ is one of these, - is none of these)"
)
_NUMBER = re.compile(r"(>=|<=|>|<|=)\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([kmgt]b?)?")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NAME = re.compile(r"[\w.*?-]{1,255}")
_SIGNED = re.compile(r"([+-])([^+-]*)")


class BadFilter(ValueError):
    """The text is no filter; `str()` says why and what to write."""


class Amount(Struct, frozen=True):
    """`ram` (bytes) or `cores` compared with a number."""

    field: str
    compare: str
    limit: float

    def fits(self, machine: Machine) -> bool:
        has = machine.memory_bytes if self.field == "ram" else machine.cores
        equal, below = has == self.limit, has < self.limit
        allowed = {"=": equal, "<": below, ">": not below and not equal}
        return any(allowed[sign] for sign in self.compare)

    def had(self, machine: Machine) -> str:
        if self.field == "cores":
            return f"{machine.cores} core{'s' * (machine.cores != 1)}"
        unit = next((one for one in "tgmk" if machine.memory_bytes >= _UNITS[one]), "")
        return f"{floor(100 * machine.memory_bytes / _UNITS[unit]) / 100:g}{unit}"

    def off(self, machine: Machine) -> float:
        """By which factor a machine misses the number."""
        has = machine.memory_bytes if self.field == "ram" else machine.cores
        return (max(has, self.limit) + 1) / (min(has, self.limit) + 1)


class Names(Struct, frozen=True):
    """One of `among` (of all, when that is empty) and none of `without`."""

    field: str
    among: tuple[str, ...]
    without: tuple[str, ...]

    def fits(self, machine: Machine) -> bool:
        has = _names_of(machine, self.field)
        return (not self.among or _any_fits(self.among, has)) and not _any_fits(self.without, has)

    def had(self, machine: Machine) -> str:
        names = " and ".join(name for name in _names_of(machine, self.field) if name)
        return f"{self.field} {names}" if names else f"no {self.field}"

    def off(self, _machine: Machine) -> float:
        """Another name is farther off than any number."""
        return inf


Filter = Amount | Names


@lru_cache(maxsize=4096)
def parse(text: str) -> Filter:
    """Raises BadFilter."""
    if len(text) > LENGTH_MAX:
        raise BadFilter(f"a filter of {len(text)} characters: at most {LENGTH_MAX}")
    field, colon, wanted = (part.strip().lower() for part in text.partition(":"))
    match field:
        case "ram" | "cores" if colon:
            return _amount(text, field, wanted)
        case "site" | "hostname" | "platform" | "tag" if colon:
            return _names(text, field, wanted)
    raise BadFilter(f"{text!r} is no filter: {GRAMMAR}")


def _amount(text: str, field: str, wanted: str) -> Amount:
    found = _NUMBER.fullmatch(wanted)
    if found is None or (found[3] and field == "cores"):
        raise BadFilter(f"{text!r} does not compare {field} with a number: {GRAMMAR}")
    compare, number, unit = found.groups(default="")
    return Amount(field, compare, float(number) * _UNITS[unit[:1]])


def _names(text: str, field: str, wanted: str) -> Names:
    signed = [one for part in wanted.split("|") for one in _signed(part.strip())]
    if not all(_NAME.fullmatch(name) for _, name in signed):
        raise BadFilter(f"{text!r} names no {field}: {GRAMMAR}")
    among = tuple(name for sign, name in signed if sign == "+")
    return Names(field, among, tuple(name for sign, name in signed if sign == "-"))


def _signed(part: str) -> Iterator[tuple[str, str]]:
    if part.startswith("+"):
        yield from ((found[1], found[2].strip()) for found in _SIGNED.finditer(part))
        return
    first, *others = part.split("+")
    yield ("-", first[1:].strip()) if first.startswith("-") else ("+", first.strip())
    yield from (("+", name.strip()) for name in others)


def _names_of(machine: Machine, field: str) -> list[str]:
    match field:
        case "tag":
            return [tag.lower() for tag in machine.tags]
        case "site":
            return [machine.site.lower()]
        case "platform":
            return [machine.platform.lower()]
        case _:
            return [machine.hostname.lower()]


def _any_fits(patterns: Iterable[str], names: Iterable[str]) -> bool:
    names = list(names)
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def fit(filters: Iterable[str], machine: Machine) -> bool:
    """Whether a machine is what all of these ask for. They were parsed when they were submitted."""
    return all(parse(one).fits(machine) for one in filters)


def unfit(filters: Iterable[str], machines: Iterable[Machine]) -> list[str]:
    """Those of the filters that none of the machines fits, by itself."""
    machines = list(machines)
    return [one for one in filters if not any(parse(one).fits(machine) for machine in machines)]


def unmet(filters: Iterable[str], machine: Machine) -> list[str]:
    """Those of the filters that a machine does not fit."""
    return [one for one in filters if not parse(one).fits(machine)]


def distance(filters: Iterable[str], machine: Machine) -> tuple[int, float]:
    """How far a machine is from what is asked for: so many filters, and by how much the worst."""
    missed = [parse(one).off(machine) for one in unmet(filters, machine)]
    return len(missed), max(missed, default=0.0)


def had(filters: Iterable[str], machine: Machine) -> str:
    """What a machine has of what these ask for: `16g and site oslo`."""
    return " and ".join(dict.fromkeys(parse(one).had(machine) for one in filters))
