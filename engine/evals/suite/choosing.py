"""What is wrong with the choices of a case, from which the likeliest is its answer. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence

from store.records.evals import Case, Suite

FEWEST = 2


def choice_problems(case: Case, suite: Suite) -> list[str]:
    """Every problem of a case that is answered by choosing; none for one that is answered in words."""
    choices, per_byte = case.choices or suite.choices, case.per_byte or suite.per_byte
    if not choices:
        return []
    problems = of_choices(choices, per_byte) if case.choices else []
    written = {
        "turns": bool(case.turns),
        "tools": bool(case.tools),
        "tool_results": bool(case.tool_results),
        "expected_tool_calls": case.expected_tool_calls is not None,
    }
    problems += [
        f"choices: beside `{key}`, which wants an answer that is written"
        for key, there in written.items()
        if there
    ]
    right = [*([] if case.expected is None else [case.expected]), *case.alternatives]
    problems += [
        f"choices: what is expected, {one!r}, is none of them" for one in right if one not in choices
    ]
    return problems


def of_choices(choices: Sequence[str], per_byte: bool) -> list[str]:
    """Problems of the choices themselves. Of two of which one begins the other, the shorter is always the
    likelier one: so little can only be told by byte.
    """
    if len(choices) < FEWEST or not all(choices) or len(set(choices)) < len(choices):
        return ["choices: at least two are needed, none of them empty and no two the same"]
    begun = [(one, other) for one in choices for other in choices if one != other and other.startswith(one)]
    if begun and not per_byte:
        shorter, longer = begun[0]
        return [
            f"choices: {longer!r} begins with {shorter!r}, which is always likelier; "
            "take texts of which none begins another, or `per_byte: true`"
        ]
    return []
