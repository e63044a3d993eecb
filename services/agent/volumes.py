"""The kinds of volumes that an agent serves: folders of its machine, and buckets of a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from events.jobs import Part
from services.agent.cloud import CloudSource, CloudVolume, OpenCloud, is_cloud
from services.agent.cloud_listing import CloudListing
from services.agent.commands import Choice
from services.agent.listing import ALL, Listing
from services.agent.volume import OpenVolume, Source, Volume

AnyVolume = Volume | CloudVolume
AnyOpen = OpenVolume | OpenCloud
AnySource = Source | CloudSource


def volume_at(code: str, root: str, staging: Path) -> AnyVolume:
    """`staging` is where a bucket has room of its own on this machine."""
    return CloudVolume(code, root, staging / code) if is_cloud(root) else Volume(code, Path(root))


def listing_of(
    source: AnySource,
    choice: Choice = ALL,
    step: Callable[[], None] = lambda: None,
    parts: Sequence[Part] = (),
    *,
    depth: int = 0,
    lenient: bool = False,
) -> Listing | CloudListing:
    if isinstance(source, CloudSource):
        return CloudListing(source, choice, step, depth=depth)
    return Listing(source, choice, step, parts, depth=depth, lenient=lenient)
