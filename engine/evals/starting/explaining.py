"""Why a starting check was chosen, in words for the suite's file: from which answers, and what it asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.evals.starting.answers import AnswerKind
from store.records.evals import Case, Check

LABELS_SHOWN, LETTERS = 6, 24
_ANSWERS: dict[AnswerKind, str] = {
    "tool_call": "Tool calls",
    "trajectory": "Answers after tool calls",
    "json": "JSON",
    "list": "JSON lists",
    "number": "Numbers",
    "decimal_comma": "Numbers with a decimal comma",
    "query": "Queries",
    "choice": "Letters of choices",
    "label": "Labels",
    "items": "Lists of items",
    "short": "Short answers",
    "text": "Free text",
    "unknown": "No right answer",
}
_SAYS: dict[str, str] = {
    "exact": "the answer must be the label and nothing else.",
    "choice": "the answer must take this one and no other, in whatever words.",
    "set_f1": "the items must be these, in any order; with `threshold: 0.5` some may be missing or too many.",
    "normalised": "the same but for case and punctuation; if it may stand in a sentence: `kind: contains`.",
    "json_schema": "an answer must have the form that they have in common, and nothing around it.",
    "json_fields": "each field is compared for itself, and the share that is right is the score.",
    "tool_call": "names and arguments of the calls are compared, not their texts.",
    "numeric": "1,000 is 1000.0; add `tolerance` where near is right.",
    "similarity": "it may be said in other words: the cosine of embeddings must reach 0.8. Embeddings hardly "
    "see a wrong number or a missing `not`.",
    "citation_support": "the workspace has documents: what an answer cites must say what the answer says.",
}


_QUERY = "compared as text, which fails what is written otherwise; `kind: sql` with `setup` compares rows."
_LIST = "compared whole and as JSON, order included; where order does not matter: `kind: set_f1`."


def why(
    check: Check, kind: AnswerKind, cases: Sequence[Case], kinds: Sequence[AnswerKind], judge: str
) -> str:
    """A sentence or two on one check that was chosen for the answers of a kind."""
    count = sum(one == kind for one in kinds)
    answers = f"{count} of {len(kinds)} answers" if count < len(kinds) else f"all {count} answers"
    if kind == "label":
        found = Counter(case.expected or "" for case, one in zip(cases, kinds, strict=True) if one == kind)
        shown = ", ".join(f"{_short(text)} {times}" for text, times in found.most_common(LABELS_SHOWN))
        more = len(found) - LABELS_SHOWN
        answers += f", {len(found)} different: {shown}{f' and {more} more' if more > 0 else ''}"
    if kind in ("list", "query"):
        return f"{_ANSWERS[kind]} ({answers}): {_LIST if kind == 'list' else _QUERY}"
    said = f"{judge} judges by a rubric what no rule can see." if check.kind == "judge" else _SAYS[check.kind]
    return f"{_ANSWERS[kind]} ({answers}): {said}"


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
