"""What each part loads, seen in fresh interpreters: the contracts in pyproject.toml see direct imports."""

from __future__ import annotations

import json
import sys

from tests.contracts.interpreter import ROOT, modules_after, run_python

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

# Each module in a child that has imported none of ours yet: a cycle shows only for some first modules. What
# is heavy ends the child early; what is foreign and light is imported once beforehand.
ALONE = """
import importlib, json, os, sys
import click, httpx, jinja2, jsonschema, msgspec, psutil, starlette, textual.app, tomlkit, uvicorn, yaml
class Heavy(BaseException): pass
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in heavy: raise Heavy
modules, heavy = json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))
sys.meta_path.insert(0, Finder())
for name in modules:
    child = os.fork()
    if not child:
        try: importlib.import_module(name)
        except Heavy: pass
        except BaseException as error:
            print(f'{name}: {error!r}', flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


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


def test_every_module_can_be_the_first_to_be_imported() -> None:
    names = [name for name in modules_of("app", "engine", "store") if "templates" not in name.split(".")]
    start = f"import sys; sys.argv = ['', {json.dumps(names)!r}, {json.dumps(sorted(HEAVY))!r}]"
    assert run_python(f"{start}\n{ALONE}").stdout == ""
