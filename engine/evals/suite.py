"""Suites: a YAML file of `evals/` becomes typed cases and checks, or a list of all that is wrong with it."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks import CompiledCheck, compile_checks, judge_of
from store import settings
from store.errors import MissingError, UsageError
from store.records.evals import Case, CasesFrom, Check, Suite

SUFFIXES = (".yaml", ".yml")


class LoadedSuite(msgspec.Struct):
    """A suite that was read and found right. `schemas` holds each named schema file, parsed."""

    suite: Suite
    path: Path
    schemas: dict[str, Any]

    def compiled(self) -> list[CompiledCheck]:
        """The suite's own checks, for all cases that bring none."""
        return compile_checks(self.suite.checks, self.schemas)

    def checks_of(self, case: Case) -> list[CompiledCheck]:
        """What an answer to `case` must pass: the suite's checks, then its own."""
        return compile_checks([*self.suite.checks, *case.checks], self.schemas)


def find_suite(root: Path, reference: str, here: Path | None = None) -> Path:
    """The file that `reference` means: a path from `here` or from the workspace, or a name in evals/.

    Raises MissingError with the suites there are.
    """
    asked = Path(reference).expanduser()
    places = [(here or root) / asked, root / asked]
    places += [root / "evals" / f"{reference}{suffix}" for suffix in SUFFIXES]
    for place in places:
        if place.is_file():
            return place.resolve()
    known = sorted(path.name for path in (root / "evals").glob("*") if path.suffix in SUFFIXES)
    close = difflib.get_close_matches(asked.name, known, n=1)
    hint = f" Did you mean evals/{close[0]}?" if close else ""
    raise MissingError(
        "No such suite",
        f"{reference} is no file; evals/ holds {', '.join(known) or 'none'}.{hint}",
        "Name a YAML file with `name`, `cases` and `checks`.",
    )


def load_suite(path: Path, root: Path) -> LoadedSuite:
    """The suite in `path`. Schema files are looked for beside it, then from the workspace `root`.

    Raises UsageError that lists every problem, MissingError without the file.
    """
    raw = _read_yaml(path)
    schemas: dict[str, Any] = {}
    problems = _form(raw) or _content(raw, [path.parent, root], schemas)
    if problems:
        raise UsageError(
            f"{path.name} has {len(problems)} problem{'s' if len(problems) > 1 else ''}",
            "\n".join(f"{path.name}: {problem}" for problem in problems),
            "Mend the keys named above.",
        )
    return LoadedSuite(msgspec.convert(raw, Suite), path, schemas)


def _read_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_loader())
    except FileNotFoundError:
        raise MissingError("No such suite", f"{path} is not there.", "Check the path.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or the 45th of May
        raise UsageError("The suite is not YAML", f"{path}: {error}", "Mend it there.") from error
    except OSError as error:
        raise UsageError(
            "The suite cannot be read", f"{path}: {error.strerror}.", "Name a YAML file."
        ) from error


def _loader() -> Any:
    """YAML's safe loader, which takes the last of two equal keys in silence, made to refuse them."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            for key, count in Counter(keys).items():
                if count > 1:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key!r} stands twice", node.start_mark
                    )
            return super().construct_mapping(node, deep)

    return Loader


def _form(raw: Any) -> list[str]:
    """Problems of keys and types."""
    if not isinstance(raw, dict):
        return [
            "expected `name`, `cases` and `checks`"
            + (f", got {type(raw).__name__}" if raw else ": it is empty")
        ]
    lists = {"cases": [], "checks": raw.get("checks", [])}
    if not isinstance(raw.get("cases"), dict):
        lists["cases"] = raw.get("cases", [])
    problems = []
    for key, kind in (("cases", Case), ("checks", Check)):
        if not isinstance(lists[key], list):
            problems.append(f"{key}: expected a list, got {type(lists[key]).__name__}")
            continue
        for index, entry in enumerate(lists[key]):
            problems += _entry(entry, kind, _where(key, index, entry))
    # What stands in the lists was looked at above, an entry at a time.
    bare = {
        **raw,
        **{key: [] for key in ("cases", "checks") if key in raw and not isinstance(raw[key], dict)},
    }
    return problems + settings.check(bare, Suite)


def _entry(entry: Any, kind: type[Case] | type[Check], where: str) -> list[str]:
    problems = []
    if kind is Case and isinstance(entry, dict) and isinstance(entry.get("checks"), list):
        for index, check in enumerate(entry["checks"]):
            problems += settings.check(check, Check, f"{where}.checks[{index}]")
        entry = {**entry, "checks": []}
    problems += settings.check(entry, kind, where)
    if kind is Case and isinstance(entry, dict) and not {"input", "messages"} & entry.keys():
        problems.append(f"{where}.input: missing")
    return problems


def _content(raw: dict[str, Any], folders: list[Path], schemas: dict[str, Any]) -> list[str]:
    """Problems of a suite whose form is right: what it names must exist and make sense. Fills `schemas`."""
    suite = msgspec.convert(raw, Suite)
    problems = []
    for index, check in enumerate(suite.checks):
        problems += _check_problems(check, f"checks[{index}]", folders, schemas)
    if isinstance(suite.cases, CasesFrom):
        return problems + ([] if suite.checks else ["checks: none, so nothing would be tested"])
    if not suite.cases:
        problems.append("cases: none; an empty suite tests nothing")
    for name, count in Counter(case.id for case in suite.cases).items():
        if count > 1:
            problems.append(f"cases: the id {name!r} stands {count} times")
    for index, case in enumerate(suite.cases):
        where = f"cases[{index}] ({case.id})"
        for number, check in enumerate(case.checks):
            problems += _check_problems(check, f"{where}.checks[{number}]", folders, schemas)
        checks = [*suite.checks, *case.checks]
        if not checks:
            problems.append(f"{where}: no check, neither its own nor the suite's")
        if case.expected is None:
            needing = {
                check.kind for check in checks if check.kind in ("exact", "contains") and check.value is None
            }
            problems += [
                f"{where}: `{kind}` has nothing to compare with; add `expected`" for kind in sorted(needing)
            ]
    return problems


def _check_problems(check: Check, where: str, folders: list[Path], schemas: dict[str, Any]) -> list[str]:
    try:
        if check.schema and check.schema not in schemas:
            schemas[check.schema] = _load_schema(check.schema, folders)
        judge_of(check, schemas)
    except ValueError as error:
        schema = f" {check.schema}:" if check.schema else ""
        return [f"{where}:{schema} {error}"]
    return []


def _load_schema(name: str, folders: list[Path]) -> Any:
    for folder in folders:
        path = folder / name
        if not path.is_file():
            continue
        schema = strict_json.decode(path.read_text(encoding="utf-8-sig"))
        if not isinstance(schema, dict | bool):
            raise ValueError("is not a JSON Schema: neither an object nor true or false")
        if outside := next(_outside(schema), ""):
            raise ValueError(f"$ref {outside!r} leads out of the file, which is not supported")
        return schema
    looked = " or ".join(str(folder) for folder in dict.fromkeys(folders))
    raise ValueError(f"there is no such file in {looked}")


def _outside(schema: Any) -> Any:
    """Every $ref that leads to another document."""
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if (
            isinstance(target, str)
            and "://" in target
            and not target.startswith(("http://json-schema.org/", "https://json-schema.org/"))
        ):
            yield target
        for value in schema.values():
            yield from _outside(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _outside(value)


def _where(key: str, index: int, entry: Any) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"{key}[{index}] ({name})" if name else f"{key}[{index}]"
