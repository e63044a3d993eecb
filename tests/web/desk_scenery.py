"""What the stage's other views show: a day's throughput, its failures, and files to pick from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.gateway import resources
from services.gateway.file_resources import File, PreviewLine, PreviewTotal, Tally
from services.gateway.overview_resources import Failure, Overview, PairFlow
from tests.web.stage import Stage

NOW = datetime.now(UTC).replace(microsecond=0)
GB = 10**9


def set_up(stage: Stage) -> None:
    stage.desk.flow, stage.desk.overview = flow(), overview()
    top = [folder("shot010"), folder("100%d[1]"), file("notes.txt", 12_000)]
    stage.desk.files["hq:projects/"] = top
    plates = [file(f"plate.{1001 + number}.exr", 48_000_000) for number in range(40)]
    stage.desk.files["hq:projects/shot010/"] = plates
    stage.desk.files["stockholm:incoming/"] = [folder("tour")]
    stage.desk.files["stockholm:incoming/tour/"] = [file("readme", 1)]
    stage.desk.preview = [
        PreviewLine("plate.1001.exr", "file", 48_000_000, "created"),
        PreviewLine("plate.1002.exr", "file", 48_000_000, "blocked"),
        total(created=Tally(1, 48_000_000), blocked=Tally(1, 48_000_000), same=Tally(38, GB)),
    ]


def folder(name: str) -> File:
    return File(name, "folder", 0, "755", NOW)


def file(name: str, size: int) -> File:
    return File(name, "file", size, "644", NOW)


def total(**found: Tally) -> PreviewTotal:
    kinds = ("created", "changed", "compared", "blocked", "missing", "same", "kept", "deleted")
    return PreviewTotal(**{kind: found.get(kind, Tally()) for kind in kinds}, unread=0, refusal="")


def flow() -> resources.EndpointThroughput:
    """Three hours: received in the first, sent since."""
    values = [GB * (2 + number * 7 % 5) for number in range(180)]
    sent, received = [0] * 60 + values[60:], values[:60] + [0] * 120
    return resources.EndpointThroughput(NOW - timedelta(hours=3), NOW, 60, sent, received)


def overview() -> Overview:
    def pair(source: str, destination: str, most: int, running: int) -> PairFlow:
        values = [most * GB * (number * 11 % 13) // 12 for number in range(144)]
        return PairFlow(source, destination, sum(values), values, running)

    pairs = [
        pair("hq", "stockholm", 90, 2),
        pair("stockholm", "hq", 40, 0),
        pair("hq", "a-machine-with-quite-a-long-name.studio.example", 3, 0),
    ]
    whole = [sum(of_step) for of_step in zip(*(one.bytes for one in pairs), strict=True)]
    now = {"running": 2, "waiting": 44, "init": 1, "paused": 1, "failed": 2, "done": 14}
    failures = [
        Failure("space", 2, f"{7:024x}", "lut_pack", "not enough space on incoming", NOW),
        Failure("network", 1, f"{8:024x}", "audio\u202estems", "the connection was lost", NOW),
    ]
    span = (NOW - timedelta(days=1), NOW, 600)
    return Overview(*span, now, 14, 1, 2, whole, pairs, failures)
