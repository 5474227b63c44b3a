"""What kind of answers these are, and which checks fit them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from engine.data.importers import strict_json
from engine.evals.checks.calls import calls_in
from engine.evals.checks.numbers import as_number
from engine.evals.checks.numeric import gsm8k_answer
from engine.evals.starting.texts import TextKind, kind_of_texts
from store.records.evals import Case, Check, ExpectedCall

AnswerKind = TextKind | Literal["tool_call", "trajectory", "json", "list", "number", "unknown"]
SLICE = "answer"
"""The name of the slice that tells kinds of answers apart where a suite has several."""


def kinds_of(cases: Sequence[Case]) -> list[AnswerKind]:
    """The kind of each case's expected answer; what a text is, is only known among others."""
    alone = [kind_of(case) for case in cases]
    texts = [case.expected or "" for case, kind in zip(cases, alone, strict=True) if kind == "text"]
    together = kind_of_texts(texts)
    kinds = [together if kind == "text" else kind for kind in alone]
    if together == "decimal_comma":  # then 12 and 1.234 beside 3,5 are written so as well
        return ["decimal_comma" if kind == "number" else kind for kind in kinds]
    return kinds


def kind_of(case: Case) -> AnswerKind:
    """The kind of one expected answer, looked at alone."""
    if case.tool_results:
        return "trajectory"
    if case.expected_tool_calls is not None:
        return "tool_call"
    if case.expected is None:
        return "unknown"
    try:
        if calls_in(case.expected):
            return "tool_call"
    except ValueError:
        pass
    value = json_of(case.expected)
    if isinstance(value, dict | list):
        return "json" if value and isinstance(value, dict) else "list"  # nothing else has fields to compare
    if gsm8k_answer(case.expected) is not None or as_number(case.expected) is not None:
        return "number"
    return "text"


def json_of(text: str) -> Any:
    """The JSON value of a text; None where it is none."""
    try:
        return strict_json.decode(text)
    except ValueError:
        return None


def with_calls(case: Case) -> Case:
    """A case whose expected answer is a call in text, made to expect the call."""
    if case.expected_tool_calls is None and case.expected is not None:
        calls = calls_in(case.expected)
        case.expected_tool_calls = [ExpectedCall(name, arguments) for name, arguments in calls]
    return case


def checks_for(kind: AnswerKind, schema: str, knowledge: bool, judge: bool) -> list[Check]:
    """Starting checks for answers of a kind. `schema` is the file of a JSON answer's schema; `knowledge`:
    answers are given from documents; `judge`: a judge is configured.
    """
    match kind:
        case "tool_call":
            return [Check("tool_call")]
        case "trajectory":
            return [Check("tool_call"), Check("similarity")]
        case "json":
            return [Check("json_schema", options={"schema": schema}), Check("json_fields")]
        case "list":
            return [Check("exact")]
        case "number":
            return [Check("numeric")]
        case "decimal_comma":
            return [Check("numeric", options={"decimal": ","})]
        case "choice":
            return [Check("choice")]
        case "label":
            return [Check("exact")]
        case "items":
            return [Check("set_f1")]
        case "short" | "query":
            return [Check("normalised")]
        case "text":
            found = [Check("similarity")]
            if knowledge:
                found.append(Check("citation_support"))
            if judge:
                rubric = "The answer says the same as the expected one and adds nothing that is wrong."
                found.append(Check("judge", options={"rubric": rubric}))
            return found
        case "unknown":
            return [Check("judge", options={"rubric": "The answer is right and helpful."})] if judge else []
