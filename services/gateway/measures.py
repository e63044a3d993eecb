"""What Prometheus reads of a gateway. Labels are routes as declared, never as asked for."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.answers = Counter(
            "haulage_http_answers",
            "Answers given, by route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "haulage_http_seconds",
            "Seconds to the first byte of an answer.",
            ["method", "route"],
            registry=registry,
            buckets=BUCKETS,
        )
        self.streams = Gauge("haulage_event_streams", "Open event streams.", registry=registry)
        self.dropped = Gauge(
            "haulage_event_streams_dropped",
            "Event streams ended because their client did not read.",
            registry=registry,
        )
        self.sequence = Gauge(
            "haulage_read_sequence", "The commit up to which rows are.", registry=registry
        )
        self.lag = Gauge(
            "haulage_read_lag_commits", "Commits that rows are behind the log.", registry=registry
        )
        self.jobs = Gauge("haulage_jobs", "Jobs by status.", ["status"], registry=registry)

    def written(self) -> bytes:
        """Prometheus's text format, version 0.0.4."""
        return generate_latest(self._registry)
