"""`python -m tests.web.typescript`: the page's types, made from the structs that the API answers
with. Made from the structs and not from the OpenAPI document, because the shapes of the event
stream are in no OpenAPI document; both are of the same structs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import EnumType
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from events.jobs import Status
from services.gateway import (
    endpoint_resources,
    file_resources,
    log_resources,
    overview_resources,
    resources,
)
from services.scheduler.commands import Estimate, Holder, Limited, Reason

FILE = Path(__file__).parents[2] / "services/gateway/page/src/resources.ts"
STRUCTS: tuple[type[msgspec.Struct], ...] = (
    Holder,
    Reason,
    Estimate,
    Limited,
    resources.Computing,
    resources.Timing,
    resources.Job,
    resources.JobPage,
    resources.Task,
    resources.TaskPage,
    resources.Attempt,
    resources.AttemptPage,
    log_resources.LogLine,
    log_resources.LogPage,
    log_resources.OutputLine,
    log_resources.TaskOutput,
    resources.Why,
    resources.Span,
    resources.Cause,
    resources.Wait,
    resources.Queue,
    resources.Volume,
    resources.Reach,
    endpoint_resources.Machine,
    endpoint_resources.Disabling,
    resources.Endpoint,
    resources.Setting,
    resources.Done,
    resources.Problem,
    resources.Progress,
    resources.Throughput,
    resources.EndpointThroughput,
    overview_resources.PairFlow,
    overview_resources.Failure,
    overview_resources.Overview,
    resources.QueueDeleted,
    resources.Me,
    file_resources.File,
    file_resources.FilePage,
    file_resources.PreviewLine,
    file_resources.Tally,
    file_resources.PreviewTotal,
    file_resources.PreviewFailed,
)
NARROWER: dict[tuple[str, str], EnumType] = {("Job", "status"): Status}
HEAD = """\
// What the API shows, in the API's own words.
// Made by `python -m tests.web.typescript` from services/gateway/resources.py: do not edit.
"""


def text() -> str:
    """The whole of resources.ts."""
    return "\n".join([HEAD, *map(_union, NARROWER.values()), *map(_interface, STRUCTS)])


def _union(enum: EnumType) -> str:
    members = " | ".join(f'"{member.value}"' for member in _members(enum))
    return f"export type {enum.__name__} = {members};\n"


def _members(enum: EnumType) -> Iterable[Any]:
    return iter(enum)


def _interface(struct: type[msgspec.Struct]) -> str:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    tag = f'  {described.tag_field}: "{described.tag}";\n' if described.tag_field else ""
    fields = "".join(f"  {_field(struct.__name__, field)};\n" for field in described.fields)
    return f"export interface {struct.__name__} {{\n{tag}{fields}}}\n"


def _field(struct: str, field: inspect.Field) -> str:
    """The API writes every field, also those with a default."""
    narrower = NARROWER.get((struct, field.name))
    kind = narrower.__name__ if narrower else _kind(field.type)
    return f"{field.encode_name}: {kind}"


def _kind(kind: inspect.Type) -> str:
    match kind:
        case inspect.StrType() | inspect.DateTimeType():
            return "string"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "boolean"
        case inspect.NoneType():
            return "null"
        case inspect.AnyType() | inspect.CustomType():
            return "unknown"
        case inspect.StructType(cls=cls):
            return cls.__name__
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"{_kind(item)}[]"
        case inspect.DictType(value_type=value):
            return f"Record<string, {_kind(value)}>"
        case inspect.UnionType(types=kinds):
            return " | ".join(map(_kind, kinds))
    raise TypeError(f"no TypeScript is known for {kind}")


if __name__ == "__main__":
    FILE.write_text(text())
