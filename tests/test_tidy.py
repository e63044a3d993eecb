"""The rules of the house, as tests: who may import whom, what is pure, how large things get."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("events", "projections", "services", "deploy", "tests")
TOP_LEVEL = {"pyproject.toml", "README.md", "requirements.txt", "Makefile", "LICENSE"}
TOP_LEVEL |= {"CHANGELOG.md", *OURS}
MODULES = sorted(path for top in OURS for path in (ROOT / top).rglob("*.py"))
MODULES = [path for path in MODULES if "node_modules" not in path.parts]
IMPURE = {"asyncio", "os", "time", "random", "secrets", "socket", "threading", "uuid", "nats"}
IMPURE |= {"asyncpg", "structlog", "subprocess", "pathlib", "selectors", "signal", "tempfile"}
BANNED_NAMES = {"utils", "common", "helpers", "manager", "models", "types"}
PURE = [
    *sorted((ROOT / "events").glob("*.py")),
    *sorted((ROOT / "projections").glob("*.py")),
    *sorted((ROOT / "services").glob("*/commands.py")),
    *(
        ROOT / "services/scheduler" / f"{name}.py"
        for name in ("decide", "move", "reports", "plan", "queueing", "setting", "admit")
    ),
    *(
        ROOT / "services/scheduler" / f"{name}.py"
        for name in ("explain", "policy", "turn", "filters", "from_agents")
    ),
    *(
        ROOT / "services/scheduler" / f"{name}.py"
        for name in (
            "estimate",
            "estimate_lanes",
            "lanes_ahead",
            "cost",
            "prices",
            "remaining",
            "submitting",
            "computable",
            "finding",
        )
    ),
    *(
        ROOT / "services/scheduler" / f"{name}.py"
        for name in (
            "lanes",
            "executing",
            "changing",
            "ending",
            "explain_lanes",
            "shares",
            "limited",
            "rooms",
            "needs",
        )
    ),
    *(
        ROOT / "services/scheduler" / f"{name}.py"
        for name in ("obstacles", "routing", "connections", "touched")
    ),
    ROOT / "services/scheduler/backwards.py",
    ROOT / "services/scheduler/undoing.py",
    *(
        ROOT / "services/historian" / f"{name}.py"
        for name in (
            "absences",
            "answers",
            "checking",
            "forward",
            "rates",
            "replaying",
            "scope",
            "undo",
            "waiting",
            "what_if",
            "work",
        )
    ),
    ROOT / "services/gateway/as_of.py",
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def services_imported(path: Path) -> set[tuple[str, str]]:
    """(service, module) of every import of a service of ours."""
    parts = [one.split(".") for one in imports(path) if one.startswith("services.")]
    return {(part[1], part[2]) for part in parts if len(part) > 2}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_top_level_holds_only_what_was_agreed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    tops = {line.partition("/")[0] for line in listed}
    assert {top for top in tops if not top.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_core_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text())
    waits = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert not waits
    assert not {one.split(".")[0] for one in imports(path)} & IMPURE
    assert "runtime" not in {service for service, _ in services_imported(path)}
    assert ".now(" not in path.read_text(), "the clock comes in as an argument"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    top = path.relative_to(ROOT).parts[0]
    used = {one.split(".")[0] for one in imports(path)} & set(OURS)
    allowed = {
        "events": {"events"},
        "projections": {"events", "projections"},
        "services": {"events", "projections", "services"},
        "deploy": {"deploy"},
        "tests": set(OURS),
    }
    assert used <= allowed[top]


@pytest.mark.parametrize("path", [p for p in MODULES if "services" in p.parts], ids=name)
def test_a_service_knows_of_another_only_its_commands(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    if parts[0] != "services" or len(parts) < 3 or parts[1] == "cli":
        return  # The command line starts every service.
    foreign = {(s, m) for s, m in services_imported(path) if s not in (parts[1], "runtime")}
    if parts[1] == "historian":  # What was decided is told by the code that decided it.
        foreign -= {("scheduler", one.stem) for one in PURE if "scheduler" in one.parts}
    allowed = {"commands", "resources"} if parts[1] == "supervisor" else {"commands"}
    assert {module for _, module in foreign} <= allowed


@pytest.mark.parametrize("path", [p for p in MODULES if "tests" not in p.parts], ids=name)
def test_only_the_ports_import_the_world(path: Path) -> None:
    if "runtime" in path.parts:
        return
    assert not {one.split(".")[0] for one in imports(path)} & {"nats", "asyncpg", "structlog"}


@pytest.mark.parametrize("path", [p for p in MODULES if "tests" not in p.parts], ids=name)
def test_no_wait_swallows_a_cancel(path: Path) -> None:
    """In Python 3.11 `wait_for` forgets a cancel that comes together with what it waits for."""
    assert "asyncio.wait_for" not in imports(path)
    assert "asyncio.wait_for(" not in path.read_text()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_files_and_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    # A test module and a catalogue of messages may be longer: they are lists, not arguments.
    is_list = "tests" in path.parts or path.stem in ("commands", "resources")
    assert lines <= (450 if is_list else 300)
    assert not [f"{f.name}: {length(f)}" for f in functions(path) if length(f) > 50]


def test_nine_functions_in_ten_are_short() -> None:
    lengths = [length(f) for path in MODULES for f in functions(path)]
    assert sum(one <= 25 for one in lengths) >= 0.9 * len(lengths)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    assert path.stem not in BANNED_NAMES
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_no_address_of_an_index_and_no_path_of_a_machine_is_written_down() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    texts = [ROOT / one for one in listed if one and (ROOT / one).suffix not in (".png", ".ico")]
    wrong = re.compile(
        r"pypi\.org|registry\.npmjs|pythonhosted|deb\.debian|/work/(main|shared)|/root/"
    )
    found = [name(path) for path in texts if path.is_file() and wrong.search(path.read_text())]
    assert [one for one in found if one != name(Path(__file__))] == []
