"""promptfoo's tests and scenarios: from lists and files, with defaults, variables multiplied out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from engine.evals.foreign.files import YAML, found, is_code, is_far, is_reference, read_text, read_value, why
from engine.evals.foreign.imported import Imported
from engine.evals.foreign.promptfoo.rows import test_of_row
from engine.evals.table import SUFFIXES, read_table
from store.errors import TemperError, UsageError

MOST_CASES, MOST_NESTED = 100_000, 16
_DATA = (*YAML, ".json", ".jsonl")


class Test(msgspec.Struct):
    """A test as it stands in a file, its number among all, and the folders that its own files are in."""

    raw: dict[str, Any]
    number: int
    folders: list[Path]


def read_tests(given: Any, folder: Path, imported: Imported, what: str = "tests") -> list[Test]:
    """All tests of a list, of files that it names, or of one file."""
    tests: list[Test] = []
    for raw, folders in _entries(given, [folder], imported, what):
        tests.append(Test(raw, len(tests) + 1, folders))
    return tests


def _entries(
    given: Any, folders: list[Path], imported: Imported, what: str
) -> Iterator[tuple[dict[str, Any], list[Path]]]:
    for entry in given if isinstance(given, list) else [] if given is None else [given]:
        if isinstance(entry, dict) and isinstance(entry.get("path"), str) and "vars" not in entry:
            imported.leave(f"`{what}`: {entry['path']} is code")
        elif isinstance(entry, dict) and is_reference(entry.get("$values")):
            yield from _in_files(entry["$values"], folders, imported, what)
        elif isinstance(entry, dict):
            yield entry, folders
        elif isinstance(entry, str):
            yield from _in_files(entry, folders, imported, what)
        else:
            imported.leave(f"`{what}`: {msgspec.json.encode(entry, enc_hook=str).decode()[:80]} is none")


def _in_files(
    reference: str, folders: list[Path], imported: Imported, what: str
) -> Iterator[tuple[dict[str, Any], list[Path]]]:
    if is_far(reference) or is_code(reference):
        imported.leave(f"`{what}`: {reference} is {'code' if is_code(reference) else 'not on this machine'}")
        return
    files = next((files for folder in folders if (files := found(reference, folder))), [])
    if not files:
        imported.leave(f"`{what}`: {reference} is not there")
    if len(folders) > MOST_NESTED:  # one is put before the others for each file within a file
        imported.leave(f"`{what}`: {reference} names itself")
        return
    for file in files:
        try:
            if file.suffix in SUFFIXES:
                table = read_table(file)
                for one in table.dropped:
                    imported.leave(f"`{what}`: {file.name}, line {one.line}: {one.reason}")
                for _, row in table.rows:
                    yield test_of_row(row), [file.parent, *folders]
            elif file.suffix in _DATA:
                raw = read_value(file)
                inner = raw["tests"] if isinstance(raw, dict) and "tests" in raw and what == "tests" else raw
                yield from _entries(inner, [file.parent, *folders], imported, what)
            else:
                imported.leave(f"`{what}`: {file.name} is none of YAML, JSON, JSONL and CSV: save it as one")
        except TemperError as error:
            imported.leave(f"`{what}`: {why(error)}")


def under(default: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """A test with defaults: its own go first, its assertions come last."""
    merged = {**default, **test}
    for key in ("vars", "metadata", "options"):
        first, own = default.get(key), test.get(key)
        if isinstance(first, dict) and isinstance(own, dict):
            merged[key] = {**first, **own}
        elif first and own:  # a file of variables, read later, goes before the defaults
            merged[key] = [first, *_list(own)]
    asserted = [*_list(default.get("assert")), *_list(test.get("assert"))]
    options = merged.get("options")
    if isinstance(options, dict) and options.get("disableDefaultAsserts"):
        asserted = _list(test.get("assert"))
    return {**merged, "assert": asserted}


def scenarios(given: Any, folder: Path, imported: Imported) -> list[Test]:
    """Every test of a scenario under each of its configs."""
    made: list[Test] = []
    for scenario in read_tests(given, folder, imported, "scenarios"):
        configs = list(_entries(scenario.raw.get("config"), scenario.folders, imported, "scenarios"))
        tests = list(_entries(scenario.raw.get("tests"), scenario.folders, imported, "tests"))
        for config, _ in configs or [({}, [])]:
            for test, folders in tests or [({}, scenario.folders)]:
                made.append(Test(under(config, test), len(made) + 1, folders))
    return made


def variables_of(test: Test, imported: Imported, name: str) -> dict[str, Any]:
    """A test's variables, those in files read; of several parts the later goes first."""
    merged: dict[str, Any] = {}
    for part in _list(test.raw.get("vars")):
        if isinstance(part, dict):
            merged |= part
        else:
            for raw, _ in _entries(part, test.folders, imported, "vars"):
                merged |= raw
    return {str(key): _from_file(value, test.folders, imported, name) for key, value in merged.items()}


def _from_file(value: Any, folders: list[Path], imported: Imported, name: str) -> Any:
    if not is_reference(value):
        return value
    if is_code(value):
        imported.leave(f"the variable {value} is code: it stands as it is", name)
        return value
    files = next((files for folder in folders if (files := found(value, folder))), [])
    try:
        values = [
            read_value(file) if file.suffix in _DATA else read_text(file).rstrip("\n") for file in files
        ]
    except TemperError as error:
        imported.leave(f"a variable's file: {why(error)}", name)
        return value
    if not values:
        imported.leave(f"the variable {value} is not there", name)
        return value
    return values[0] if len(values) == 1 else values


def expanded(given: Mapping[str, Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of variables of which some are lists. Raises UsageError for far too many."""
    if options.get("disableVarExpansion"):
        return [dict(given)]
    lists = {key: value for key, value in given.items() if isinstance(value, list) and value}
    # As promptfoo does: what begins with a text is a list of values, anything else is one value.
    lists = {key: value for key, value in lists.items() if isinstance(value[0], str)}
    if prod(len(value) for value in lists.values()) > MOST_CASES:
        raise UsageError(
            "Far too many combinations",
            f"Lists of {', '.join(lists)} make more than {MOST_CASES:,} cases of one test.",
            "Shorten them, or say `options: {disableVarExpansion: true}`.",
        )
    return [{**given, **dict(zip(lists, one, strict=True))} for one in product(*lists.values())]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
