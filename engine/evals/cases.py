"""The cases of a suite, inline or made from a dataset's rows; and a fair few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from engine.data.importers import strict_json
from engine.evals.suite import LoadedSuite
from engine.evals.suite.choosing import choice_problems
from store.errors import UsageError
from store.records.data import Example
from store.records.evals import Case, CasesFrom, ExpectedCall, Suite

T = TypeVar("T")


def cases_of(
    loaded: LoadedSuite, rows: Callable[[str], Sequence[Example]], limit: int | None = None
) -> list[Case]:
    """All cases, at most `limit`. `rows` gives the rows that a dataset reference means.

    Raises UsageError when there is none.
    """
    suite = loaded.suite
    source = suite.cases
    if isinstance(source, CasesFrom):
        cases = [case_of(example, source) for example in spread(rows(source.dataset), source.limit)]
    else:
        cases = source
    if not cases:
        raise UsageError(
            "The suite has no cases",
            f"{loaded.path.name} takes none from its dataset.",
            "Hold some rows out, or list cases.",
        )
    return [chosen_from(case, suite) for case in spread(cases, limit)]


def chosen_from(case: Case, suite: Suite) -> Case:
    """The case with what there is to choose from, its own or the suite's. Raises UsageError where a row of a
    dataset expects something else.
    """
    if not suite.choices and not case.choices:
        return case
    if problems := choice_problems(case, suite):
        raise UsageError(
            "A case cannot be answered by choosing",
            f"{case.id}: {problems[0]}.",
            "Mend the suite's `choices`, or the row.",
        )
    return msgspec.structs.replace(
        case, choices=case.choices or suite.choices, per_byte=case.per_byte or suite.per_byte
    )


def case_of(example: Example, source: CasesFrom | None = None) -> Case:
    """A row as a case: its last answer is expected, the question before it is the input.

    Raises UsageError for a row that asks nothing (plain text). Where its last turn before the answer is not
    the user's, the whole conversation is asked; where the answer is a tool call, that is expected.
    """
    turns = example.messages[: example.prompt_turns + 1] if example.prompt_turns else example.messages
    if len(turns) < 2:
        raise UsageError(
            "A row asks nothing",
            f"Row {example.row} (line {example.line}) has no question and answer.",
            "Take cases from a dataset of conversations.",
        )
    *asked, answer = turns
    case = Case(id=example.row, expected=answer.content)
    if asked[-1].role == "user":
        case.input, case.before = asked[-1].content, asked[:-1]
    else:
        case.messages = asked
    if example.tools:
        case.tools = strict_json.decode(example.tools)
    if answer.tool_calls:
        case.expected_tool_calls = [
            ExpectedCall(call.name, strict_json.decode(call.arguments or "{}")) for call in answer.tool_calls
        ]
    named = (source.slice_by if source else []) or []
    case.slices = {name: example.metadata[name] for name in named if name in example.metadata}
    return case


def spread(items: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` items, evenly spaced: files are often sorted by answer, so the first would mislead."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]
