"""What each part loads, seen in fresh interpreters: the contracts in pyproject.toml see direct imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.contracts.interpreter import ROOT, modules_after

HEAVY = {
    "torch",
    "transformers",
    "trl",
    "peft",
    "bitsandbytes",
    "datasets",
    "accelerate",
    "llama_cpp",
    "chromadb",
}
HEAVY |= {"duckdb", "pyarrow", "pandas", "numpy"}
HELP = "import sys; sys.argv = ['temper', '--help']; from app.cli.main import main; main()"
EVERY_COMMAND = (
    "from app.cli.main import COMMANDS, cli\nfor name in COMMANDS:\n    assert cli.get_command(None, name)"
)


def modules_of(*packages: str) -> list[str]:
    """The dotted names of all modules in these packages."""
    names = []
    for file in sorted(file for package in packages for file in (ROOT / package).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def test_help_loads_neither_screens_nor_anything_heavy() -> None:
    loaded = modules_after(HELP)
    assert "click" in loaded
    assert not loaded & (HEAVY | {"textual", "rich", "httpx", "yaml"})


def test_the_terminal_ui_loads_nothing_heavy() -> None:
    loaded = modules_after("import app.tui.app")
    assert "textual" in loaded
    assert not loaded & HEAVY


def test_reading_a_command_line_loads_nothing_heavy() -> None:
    assert not modules_after(EVERY_COMMAND) & (HEAVY | {"textual"})


def test_a_worker_loads_nothing_heavy_before_it_has_the_device() -> None:
    assert not modules_after("import engine.jobs.worker") & HEAVY


def test_records_need_only_the_standard_library_and_msgspec() -> None:
    records = modules_of("store/records")
    before = modules_after("import msgspec")
    loaded = modules_after("\n".join(f"import {name}" for name in records)) - before
    foreign = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"store", *records}


def imported_at_once(name: str, known: set[str]) -> Iterator[str]:
    """Our modules that `name` imports while it is imported itself; what stands in functions waits."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & known or {node.module}


def test_no_module_needs_itself_to_be_imported_before() -> None:
    """A cycle works for some first modules and fails for others: which one comes first is chance."""
    known = set(modules_of("app", "engine", "store"))
    graph = {name: set(imported_at_once(name, known)) for name in known}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))
