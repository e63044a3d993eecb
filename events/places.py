"""A place in a queue: a fractional index string, compared byte by byte (collation C).

Between any two places there is another, so a move is one event and nobody is renumbered. The
algorithm is David Greenspan's (PyPI `fractional-indexing`).
"""

from __future__ import annotations

from fractional_indexing import generate_n_keys_between

LENGTH_MAX = 200
"""Longer ones are spread anew: a database index has no room for any length."""


def between(above: str | None, below: str | None, count: int = 1) -> list[str]:
    """`count` places in rising order between two neighbours; None is the end of the queue."""
    return list(generate_n_keys_between(above, below, count))
