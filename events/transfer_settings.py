"""The settings of transfers: what of a source goes, and how.

Names and defaults are those of the field but for one: `transfer_attributes` is none there, and here
it is permissions, for a script or a program that arrives without its right to be run is broken.
"""

from __future__ import annotations

from events import attributes, patterns, speed_limit
from events.rules import COMPARISONS, EXISTING
from events.setting import OF_ENDPOINTS, OF_JOBS, Setting

PATTERNS = "*.exr, cache/, /sh010/**/*.tmp, or re('^sh0[0-9]+/'), between them commas"

OF_TRANSFERS = (
    Setting(
        "transfer_include",
        OF_JOBS,
        "",
        "only files and links that one of these patterns names, or that lie in a folder that one "
        "names, are listed; those of the workspace, the queue and the job add up",
        written=PATTERNS,
        fault=patterns.fault,
        adds_up=True,
    ),
    Setting(
        "transfer_exclude",
        OF_JOBS,
        "",
        "what one of these patterns names is not listed, and of a folder nothing in it; those of "
        "the workspace, the queue and the job add up, and exclude wins over include",
        written=PATTERNS,
        fault=patterns.fault,
        adds_up=True,
    ),
    Setting(
        "transfer_symlinks",
        OF_JOBS,
        "keep",
        "symbolic links in a source arrive as links, or as what they lead to in their volume, or "
        "not at all",
        choices=("keep", "follow", "skip"),
    ),
    Setting(
        "transfer_hardlinks",
        OF_JOBS,
        "off",
        "names of one file arrive as files of their own, or, on, as names of one file again",
        choices=("off", "on"),
    ),
    Setting(
        "transfer_attributes",
        OF_JOBS,
        attributes.DEFAULT,
        "what files, folders and links keep of the source; owner and group go by name, of what is "
        "listed from then on; a store keeps none",
        written=attributes.WRITTEN,
        fault=attributes.fault,
    ),
    Setting(
        "transfer_xattrs",
        OF_JOBS,
        "off",
        "on, files and folders come with their extended attributes (user.*); where those cannot be "
        "kept, what has some fails",
        choices=("off", "on"),
    ),
    Setting(
        "transfer_stable_s",
        OF_JOBS,
        0,
        "a file is listed once it was left alone for so long, others go first; after a day it is "
        "listed as it is; 0 waits for none",
        high=86_400,
        unit="s",
    ),
    Setting(
        "transfer_speedlimit",
        (*OF_JOBS, "endpoint", "pair"),
        "none",
        "how fast a transfer may go; of an endpoint or a pair, all of its transfers together",
        written="none, 20 (MB/s), 500 kB/s, 100 Mbit/s, or by the clock of time_zone: "
        "22:00-06:00 full, mon-fri 08:00-18:00 5, else 20",
        fault=speed_limit.fault,
        apart=("endpoint", "pair"),
    ),
    Setting(
        "transfer_reserved_space",
        OF_ENDPOINTS,
        100,
        "free space to leave on each volume that files come to; a transfer waits rather than take "
        "it, and 0 reserves none",
        high=1_000_000_000,
        unit="MB",
    ),
    Setting(
        "transfer_sockets",
        OF_JOBS,
        10,
        "connections of one transfer at most; it opens as many as make it faster",
        low=1,
        high=64,
    ),
    Setting(
        "transfer_encryption",
        OF_JOBS,
        "on",
        "bytes travel encrypted, to the one agent they are for; off is for trusted networks",
        choices=("on", "off"),
    ),
    Setting(
        "transfer_mode",
        OF_JOBS,
        "copy",
        "onewaysync also deletes what is in a folder at the destination and not in the source, "
        "once all else is done; what patterns leave out is left alone",
        choices=("copy", "onewaysync"),
    ),
    Setting(
        "transfer_comparison",
        OF_JOBS,
        "size+modified",
        "what counts as already there: the same size, time of change, both (nothing is read, "
        "nothing moved), or content (read at both ends)",
        choices=COMPARISONS,
    ),
    Setting(
        "transfer_ignore_existing",
        OF_JOBS,
        "none",
        "what was at the destination before is left as it is: files and links, folders with all "
        "that is in them, or both",
        choices=EXISTING,
    ),
    Setting(
        "transfer_resume",
        OF_JOBS,
        "enable",
        "what has come of a file that was interrupted is kept and gone on with, or thrown away",
        choices=("enable", "disable"),
    ),
)
