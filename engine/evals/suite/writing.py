"""Suites into files: a new one as YAML, or one more case into one that people have written.

A case is put in as text behind the last one, so that comments and order of the file stay as they are.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.evals.suite.problems import COMMON
from engine.evals.suite.yaml_text import CORE, TAG
from store import atomic
from store.errors import UsageError
from store.records.evals import Case, Check, Suite

WIDTH = 110
_USUAL = msgspec.structs.asdict(Check(""))


def suite_text(suite: Suite, says: str = "", whys: Sequence[str] = ()) -> str:
    """A suite as YAML, under a comment that says what it is; `whys` are comments on its checks, one each."""
    raw = msgspec.to_builtins(suite)
    raw["checks"] = [plain_check(check) for check in suite.checks]
    if isinstance(suite.cases, list):
        raw["cases"] = [plain_case(case) for case in suite.cases]
    checks = raw.pop("checks")
    name = dumped({"name": raw.pop("name")})
    ordered = {key: raw[key] for key in sorted(raw, key="cases".__eq__)}  # the cases last
    return _comment(says) + name + _checks(checks, whys) + dumped(ordered)


def _checks(checks: list[dict[str, Any]], whys: Sequence[str]) -> str:
    """The suite's own checks, each under why it was chosen."""
    parts = ["checks:\n"] if checks else []
    for at, check in enumerate(checks):
        parts.append(_comment(whys[at], "  ") if at < len(whys) else "")
        parts.append(textwrap.indent(dumped([check]), "  "))
    return "".join(parts)


def _comment(says: str, indent: str = "") -> str:
    lines = [
        line
        for one in says.splitlines()
        for line in textwrap.wrap(one, WIDTH - 2 - len(indent), subsequent_indent="  ")
    ]
    return "".join(f"{indent}# {line}\n" for line in lines)


def check_name(name: str) -> None:
    """Raise UsageError for what cannot be the name of a suite's file."""
    if not name or "/" in name or name.startswith(".") or name.endswith((".yaml", ".yml", ".jsonl")):
        raise UsageError(
            "That is no name for a suite", f"Got {name!r}.", "Give a word: it becomes evals/WORD.yaml."
        )


def write_suite(
    path: Path, suite: Suite, says: str = "", force: bool = False, whys: Sequence[str] = ()
) -> None:
    """Write a new suite. Raises UsageError where the file is there and `force` is not given."""
    if path.exists() and not force:
        raise UsageError(
            "The suite is there already", f"{path} would be written over.", "Name another, or give --force."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, suite_text(suite, says, whys))


def plain_check(check: Check) -> dict[str, Any]:
    """A check as it stands in a file: its kind's options beside `kind`."""
    raw: dict[str, Any] = msgspec.to_builtins(check)
    options = raw.pop("options", {})
    kept = {key: raw[key] for key in COMMON if raw.get(key, _USUAL[key]) != _USUAL[key]}
    return {"kind": raw.pop("kind"), **options, **kept}


def plain_case(case: Case) -> dict[str, Any]:
    """A case as it stands in a file."""
    raw: dict[str, Any] = msgspec.to_builtins(case)
    if case.checks:
        raw["checks"] = [plain_check(check) for check in case.checks]
    if not case.messages and "input" not in raw:
        raw["input"] = ""
    first = ("id", "input", "messages", "expected")
    return {**{key: raw[key] for key in first if key in raw}, **raw}


def with_case(text: str, case: Case, path: Path) -> str:
    """The text of a suite's file with one more case at the end of its list.

    Raises UsageError where the cases are no list in block style, behind which a case could be put.
    """
    if path.suffix == ".jsonl":
        line = msgspec.json.encode(plain_case(case)).decode()
        return f"{text.rstrip(chr(10))}\n{line}\n" if text.strip() else f"{line}\n"
    import yaml

    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    cases = next((value for key, value in node.value if key.value == "cases"), None)
    if not isinstance(cases, yaml.SequenceNode) or cases.flow_style or not cases.value:
        raise UsageError(
            "A case cannot be added to this suite",
            f"{path.name} does not list its cases one below the other.",
            "Name another suite: one that is not there yet is made.",
        )
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    at = _line_behind(cases.value[-1], lines)
    indent = " " * (cases.value[0].start_mark.column - 2)
    entry = dumped([plain_case(case)])
    return "".join([*lines[:at], *(indent + line for line in entry.splitlines(keepends=True)), *lines[at:]])


def _line_behind(node: Any, lines: list[str]) -> int:
    """The first line that is not the node's; its end mark stands behind blank lines and comments."""
    end: int = node.end_mark.line if node.end_mark.column == 0 else node.end_mark.line + 1
    end = min(end, len(lines))
    while end > node.start_mark.line + 1 and (
        not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")
    ):
        end -= 1
    return end


def dumped(value: Any) -> str:
    """YAML as people write it: keys in their order, long texts as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
            return super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        lines = value.splitlines()
        block = (
            len(lines) > 1 and all(line == line.rstrip() for line in lines) and value.isprintable() is False
        )
        style = "|" if block and not value.startswith((" ", "\n")) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    for name, pattern, first in CORE:
        # Whatever either version of YAML takes for no text goes into quotes.
        Dumper.add_implicit_resolver(f"{TAG}{name}", re.compile(rf"^(?:{pattern})$"), first)
    dumped: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return dumped
