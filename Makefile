# Everything is made in .venv from the locked requirements.txt; a second run finds it made.
#
#   make demo [ONCE=1] [PORT=8181]   everything on this machine, with two agents and real files
#   make test [T="tests/events -q"]  the tests, side by side; T gives pytest other arguments
#   make bench [B="transfer --full"] measurements, beside what others do; B names some
#   make lint | page | screenshots | lock | clean

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PAGE := $(shell find services/gateway/page -name node_modules -prune -o -type f -print 2>/dev/null)

export PYTHONUTF8 := 1

.PHONY: env demo test lint bench page screenshots lock clean

env: .venv/installed

.venv/locked: requirements.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 is needed (PYTHON=…)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/installed: .venv/locked pyproject.toml deploy/hatch_build.py $(PAGE)
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

page: env

demo: env
	@$(BIN)/haulage up --demo $(if $(ONCE),--once) --port $(or $(PORT),8181)

test: env
	$(BIN)/pytest $(or $(T),-n auto --maxprocesses 4 --dist loadfile)

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: env
	$(BIN)/python -m tests.bench $(B)

screenshots: env
	$(BIN)/python -m tests.web.screenshots

# Needs uv (any way it is installed): hashes of every platform, no index's address.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --extra dev -o requirements.txt pyproject.toml

clean:
	rm -rf .venv .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
