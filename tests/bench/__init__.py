"""Benchmarks: `make bench`, or `python -m tests.bench NAME…`. Ratios of one run, not records."""
