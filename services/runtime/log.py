"""Structured logs on stderr: JSON lines for machines, colours when a person looks.

`configure` is called once by each process; libraries that use `logging` end up in the same lines.
Local variables never appear in a traceback here: they may hold a token.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

logger: FilteringBoundLogger = structlog.get_logger()


def configure(service: str, level: str = "info") -> None:
    """Log as `service` from now on; `level` is debug, info, warning or error."""
    human = sys.stderr.isatty()
    structlog.configure(
        processors=[*_common(), *(_for_people() if human else _for_machines())],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=(
            structlog.PrintLoggerFactory(sys.stderr)
            if human
            else structlog.BytesLoggerFactory(sys.stderr.buffer)
        ),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _for_people() -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]


def _for_machines() -> list[Processor]:
    transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    return [structlog.processors.ExceptionRenderer(transform), _json]


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


class _Bridge(logging.Handler):
    """What libraries say through `logging`, as a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.log(
            record.levelno,
            "library.said",
            library=record.name,
            message=record.getMessage(),
            **_error_of(record),
        )


def _error_of(record: logging.LogRecord) -> dict[str, Any]:
    """A warning is about what may pass, time and again: no traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    if record.levelno < logging.ERROR:
        return {"error": str(error), "kind": type(error).__name__}
    return {"exc_info": error}
