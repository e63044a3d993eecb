"""Room for open files: a landing holds a batch of them and the system's first limit is small."""

from __future__ import annotations

import resource

DESCRIPTORS_WANTED = 65_536


def raise_descriptors() -> None:
    """As far as this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, DESCRIPTORS_WANTED), hard))
