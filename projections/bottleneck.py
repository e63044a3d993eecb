"""What a transfer's time went for most, in a word and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

PARTS = ("reading", "network", "limited", "writing", "verifying")
LEAST_S = 0.5  # Below that nobody asks, and milliseconds that were rounded say little.


class Bottleneck(Struct, frozen=True):
    """`part` is one of PARTS, or listing; `share` is its part of the time, 0 to 1."""

    part: str
    share: float
    text: str


def find(
    spent_s: Mapping[str, float],
    *,
    listing_s: float,
    moving_s: float,
    source: str,
    destination: str,
) -> Bottleneck | None:
    """`spent_s` by PARTS, as threads spent it; listing and moving as time passed; ends by name.

    None when too little was measured to say.
    """
    whole_s = sum(spent_s[part] for part in PARTS)
    if max(whole_s, listing_s) < LEAST_S:
        return None
    passed_s = moving_s or whole_s
    if listing_s > passed_s:
        share = listing_s / (listing_s + passed_s)
        return Bottleneck("listing", share, _text(f"listing {source}", share))
    part = max(PARTS, key=lambda one: spent_s[one])
    share = spent_s[part] / whole_s
    return Bottleneck(part, share, _text(_named(part, source, destination), share))


def _named(part: str, source: str, destination: str) -> str:
    match part:
        case "reading":
            return f"reading at {source}"
        case "network":
            return f"the network from {source} to {destination}"
        case "limited":
            return "a speed limit"
        case "writing":
            return f"writing at {destination}"
        case _:
            return f"hashing at {destination}"


def _text(what: str, share: float) -> str:
    return f"{what} is the bottleneck ({round(share * 100)} % of the time)"
