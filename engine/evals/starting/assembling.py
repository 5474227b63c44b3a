"""Cases, their checks and what was asked for besides, as a suite ready to be written."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from engine.evals.starting.answers import SLICE, checks_for, json_of, kinds_of, with_calls
from engine.evals.starting.explaining import why
from engine.evals.starting.out_of_scope import TAG, out_of_scope_cases
from engine.evals.starting.shape import schema_of
from engine.evals.starting.wordings import paraphrased
from store.errors import UsageError
from store.records.evals import Case, CasesFrom, Check, Suite


class Wishes(msgspec.Struct):
    """What was asked for. `knowledge`: answers come from documents; `judge`: who judges, if anyone."""

    paraphrases: int = 0
    out_of_scope: bool = False
    knowledge: bool = False
    judge: str = ""
    schema_file: str = "schema.json"


class Started(msgspec.Struct):
    """A suite to start with. `kinds` counts answers of each kind, `schema` is what JSON answers have in
    common, `notes` say what could not be done, `whys` why each check of the suite was chosen.
    """

    suite: Suite
    kinds: dict[str, int]
    schema: Any = None
    notes: list[str] = []
    whys: list[str] = []


def assemble(name: str, cases: list[Case], source: CasesFrom | None, wishes: Wishes) -> Started:
    """A suite of these cases; where they come from a dataset and stay as they are, of its rows (`source`).

    Raises UsageError where no check can be chosen.
    """
    kinds = kinds_of(cases)
    counts = Counter(kinds)
    several = len(counts) > 1
    untold = 0
    for case, kind in zip(cases, kinds, strict=True):
        if kind == "tool_call":
            with_calls(case)
        if kind in ("tool_call", "trajectory") and not case.tools:
            untold += 1
        if several:
            case.slices = {**case.slices, SLICE: kind}
    started = Started(
        Suite(name, list(cases), []),
        {str(kind): count for kind, count in counts.items()},
        _schema(cases, kinds),
    )
    for kind in counts:
        for check in checks_for(kind, wishes.schema_file, wishes.knowledge, bool(wishes.judge)):
            check.only = [f"{SLICE}={kind}"] if several else []
            started.suite.checks.append(check)
            started.whys.append(why(check, kind, cases, kinds, wishes.judge))
    if untold:
        started.notes.append(
            f"{untold} of the cases expect calls and name no `tools`: add them, or no model knows of any."
        )
    _leave_out_unchecked(started)
    _add(started, cases, kinds, wishes)
    # A dataset's own calls travel with its rows; calls that stand in texts do not.
    in_texts = "tool_call" in counts and any(not case.tools for case in cases)
    inline = in_texts or "trajectory" in counts
    as_it_is = not (several or inline or wishes.paraphrases or wishes.out_of_scope)
    if source is not None and as_it_is:
        started.suite.cases = source
    return started


def _schema(cases: list[Case], kinds: list[Any]) -> Any:
    values = [json_of(case.expected or "") for case, kind in zip(cases, kinds, strict=True) if kind == "json"]
    return schema_of(values) if values else None


def _leave_out_unchecked(started: Started) -> None:
    """Cases without a right answer that nothing would check."""
    assert isinstance(started.suite.cases, list)
    kept = [case for case in started.suite.cases if case.checks or _checked(case, started.suite.checks)]
    if not kept:
        raise UsageError(
            "No check fits these cases",
            "None has a right answer, and no judge is configured.",
            "Add a column `expected`, or name a judge in temper.toml: [defaults] judge = NAME",
        )
    left_out = len(started.suite.cases) - len(kept)
    if left_out:
        have = "1 case has" if left_out == 1 else f"{left_out} cases have"
        started.notes.append(f"{have} no right answer and nobody to judge it: left out.")
    started.suite.cases = kept


def _checked(case: Case, checks: list[Check]) -> bool:
    slices = [f"{name}={value}" for name, value in case.slices.items()]
    return any(not check.only or set(check.only) & set(slices) for check in checks)


def _add(started: Started, cases: list[Case], kinds: list[Any], wishes: Wishes) -> None:
    assert isinstance(started.suite.cases, list)
    if wishes.paraphrases:
        started.suite.cases = [
            one for case in started.suite.cases for one in paraphrased(case, wishes.paraphrases)
        ]
    if not wishes.out_of_scope:
        return
    labels = [case.expected or "" for case, kind in zip(cases, kinds, strict=True) if kind == "label"]
    added = out_of_scope_cases(labels, refuses=bool({"text", "trajectory", "unknown"} & set(kinds)))
    if not added:
        started.notes.append(
            "No out-of-scope cases: the answers have a fixed form, and none says that a question is none of "
            "its business (a label such as `other`)."
        )
        return
    for check in started.suite.checks:
        check.without = [TAG]
    started.suite.cases += added
