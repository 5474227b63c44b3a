"""Samples of OpenAI Evals (`input`, `ideal`) and of Inspect (`input`, `target`): a row is a case.

Which scorer was meant does not stand in such a file (a registry's YAML names it: engine.evals.foreign.
registry), so one is taken and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.foreign.imported import Imported, started
from engine.evals.foreign.messages import ask
from engine.evals.starting.answers import checks_for, kinds_of
from engine.evals.starting.offering import LETTERS, offer
from store.errors import UsageError
from store.records.evals import Case, Check, Origin

FORMS = {"ideal": "OpenAI Evals", "target": "Inspect"}
_KNOWN = {
    "ideal": {"input", "ideal", "id", "criteria", "metadata"},
    "target": {"input", "target", "choices", "id", "metadata", "sandbox", "files", "setup"},
}
_SANDBOX = ("sandbox", "files", "setup")
SHORT = 80
"""Letters; a longer target is a description, that no answer repeats word for word."""


def are_samples(rows: Iterable[Any]) -> bool:
    """Whether any row asks something."""
    return any(isinstance(row, dict) and "input" in row for row in rows)


def form_of(rows: Iterable[Any]) -> str:
    """The key behind which right answers stand: ideal or target."""
    openai = any({"ideal", "criteria"} & row.keys() for row in rows if isinstance(row, dict))
    return "ideal" if openai else "target"


def from_samples(rows: list[tuple[int, Any]], path: Path, check: Check | None = None) -> Imported:
    """Rows, each with its line, as cases. `check` judges them; without one, a check that fits the answers.

    Raises UsageError where no row asks anything.
    """
    key = form_of(row for _, row in rows)
    unit = "row" if path.suffix == ".json" else "line"
    imported = started(path, FORMS[key])
    for number, row in rows:
        if not isinstance(row, dict) or "input" not in row:
            has = f"has {', '.join(map(str, row))}" if isinstance(row, dict) else f"is a {type(row).__name__}"
            imported.leave(f"no case: the row {has}, and no `input`", f"{unit}-{number}")
        elif row["input"] in ("", None, []):
            imported.leave("no case: its `input` is empty", f"{unit}-{number}")
        else:
            _take(row, number, key, path, imported, check)
    if not imported.cases:
        said = "\n".join(str(one) for one in imported.left[:20]) or "It is empty."
        raise UsageError("There is nothing to take over", f"{path.name}: {said}", "Give rows with `input`.")
    if check is None:
        _choose(imported, key)
    return imported


def _take(
    row: dict[str, Any], number: int, key: str, path: Path, imported: Imported, check: Check | None
) -> None:
    case = Case(_text(row.get("id")) or f"{'row' if path.suffix == '.json' else 'line'}-{number}")
    case.origin = Origin("imported", source=imported.source, line=number)
    said: list[str] = []
    ask(case, row["input"], said.append)
    texts = _texts(row.get("ideal", row.get("target")))
    if texts:
        case.expected, case.alternatives = texts[0], texts[1:]
    case.metadata = _metadata(row, said)
    if choices := _choices(row.get("choices")):
        _offer(case, choices, said)
    elif check is not None and (texts or check.kind == "judge"):
        case.checks = [msgspec.structs.replace(check)]
    if isinstance(row.get("criteria"), str):
        case.checks = [Check("judge", options={"rubric": row["criteria"]})]
    case.metadata |= {name: row[name] for name in row if name not in _KNOWN[key]}
    imported.add(case)
    said += [f"`{name}`: there are no sandboxes here" for name in _SANDBOX if row.get(name)]
    for what in said:
        imported.leave(what, case.id)


def _choose(imported: Imported, key: str) -> None:
    """A check for the cases that have none, by what their answers are."""
    open_ = [case for case in imported.cases if not case.checks and case.expected is not None]
    if not open_:
        return
    kinds = set(kinds_of(open_))
    kind = kinds.pop() if len(kinds) == 1 else ""
    if kind not in ("tool_call", "trajectory", "json", "list"):
        # Both tools' basic scorers compare texts; Inspect's includes() looks for the target in the answer.
        check = Check("normalised") if key == "ideal" else Check("contains")
        if median(len(case.expected or "") for case in open_) > SHORT:
            check = Check("similarity")
    else:
        [check, *_] = checks_for(kind, "", False, False) if kind == "tool_call" else [Check("exact")]
    for case in open_ if len(open_) < len(imported.cases) else []:
        case.checks = [check]
    if len(open_) == len(imported.cases):
        imported.suite.checks = [check]
    meant = "Match, Includes or FuzzyMatch" if key == "ideal" else "match(), includes() or model_graded_qa()"
    imported.leave(f"which scorer was meant ({meant}) is not in the file: `{check.kind}` was taken")


def _offer(case: Case, choices: list[str], said: list[str]) -> None:
    """Show the choices and ask for a letter; without a target no check asks for it."""
    before = case.input
    if amiss := offer(case, choices):
        said.append(amiss)
    if case.input != before and case.expected is not None:
        case.checks = [Check("choice", options={"choices": list(LETTERS[: len(choices)])})]


def _choices(given: Any) -> list[str]:
    """As Inspect reads them: a list, or a text parted by commas, else by spaces."""
    if not given:
        return []
    if isinstance(given, str):
        parts = given.split(",") if "," in given else given.split()
        return [part.strip() for part in parts]
    return [_text(one) for one in given] if isinstance(given, list) else [_text(given)]


def _metadata(row: dict[str, Any], said: list[str]) -> dict[str, Any]:
    given = row.get("metadata")
    if isinstance(given, str) and given.strip():
        try:
            given = strict_json.decode(given)
        except ValueError:
            return {"metadata": given}
    if given is not None and given != "" and not isinstance(given, dict):
        said.append("`metadata` that is no object")
    return dict(given) if isinstance(given, dict) else {}


def _texts(given: Any) -> list[str]:
    if given is None:
        return []
    return [_text(one) for one in given] if isinstance(given, list) else [_text(given)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
