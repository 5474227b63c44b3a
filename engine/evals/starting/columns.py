"""What the columns of a table of failures are: known by their names, or named by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.evals.triage.columns import words_of
from store.errors import UsageError

NAMES: dict[str, tuple[str, ...]] = {
    "input": (
        "input", "question", "prompt", "query", "message", "user_message", "user_input", "customer_message",
        "utterance", "instruction", "request", "user", "text", "complaint", "q", "problem", "task",
        "sentence", "review", "claim", "statement", "comment", "article", "email", "content", "body", "title",
        "frage", "anfrage", "nachricht", "eingabe", "pregunta", "consulta", "mensaje", "demande", "domanda",
        "richiesta", "pergunta", "mensagem", "vraag",
    ),
    "expected": (
        "expected", "expected_answer", "expected_output", "expected_response", "reference",
        "reference_answer", "correct", "correct_answer", "right_answer", "ideal", "target", "correction",
        "gold", "gold_answer", "ground_truth", "solution", "answer", "a", "antwort", "erwartet", "respuesta",
        "esperado", "chosen", "reponse", "risposta", "resposta", "antwoord",
    ),
    "output": (
        "output", "actual", "actual_output", "response", "reply", "bot_reply", "bot", "got", "wrong",
        "wrong_answer", "model_answer", "model_output", "prediction", "generated", "completion", "rejected",
        "answer",
        "antwort", "respuesta", "reponse", "risposta", "resposta", "antwoord",
    ),
    "id": ("id", "case", "case_id", "ticket", "ticket_id"),
    "tag": ("tag", "tags", "category", "severity", "label"),
    "sources": ("sources", "source", "document", "documents", "expected_sources"),
}  # fmt: skip
"""Columns by their usual names, the likeliest first."""
INSTRUCTION = "instruction"
"""Beside a column `input` it goes before it; alone it is the question."""
CLASSES = ("label", "intent", "class", "category")
"""What the right answers of a table are called that sorts texts, where nothing else is the answer."""


_ANSWERS = {"answer", "answers", "response", "reply", "output", "completion"}
_RIGHT = {"best", "correct", "desired", "expected", "gold", "golden", "ideal", "reference", "right", "true"}
_WRONG = {"actual", "ai", "assistant", "bad", "bot", "current", "generated", "incorrect", "llm", "model"}
_WRONG |= {"predicted", "wrong"}
_QUESTIONS = {"input", "inquiry", "message", "prompt", "query", "question", "request", "utterance"}
"""Words of longer names: `Customer question`, `Bot answer`, `bestAnswer`."""


def columns_of(columns: Sequence[str], named: Mapping[str, str], file: str) -> dict[str, str]:
    """Which column is what; each is one thing. `named` goes first, then whole names, then words of a name.
    What stands alone beside the questions is their answer, whatever it is called.

    Raises UsageError where a named column is not there, or none holds questions.
    """
    for part, asked in named.items():
        if asked not in columns:
            raise UsageError(
                "No such column", f"{asked!r} is none of {', '.join(columns)}.", f"Mend --map {part}=COLUMN."
            )
    by_name = {"_".join(words_of(one)): one for one in columns}
    found = _by_names(by_name, named)
    for name, column in by_name.items():
        if column not in found.values() and (part := _part_of(name.split("_"))):
            found.setdefault(part, column)
    if "expected" not in found and "output" not in found:
        found = _labels_or_what_is_left(columns, by_name, found)
    if "input" not in found:
        raise UsageError(
            "No column holds the questions",
            f"{file} has {', '.join(columns) or 'no columns'}.",
            "Name it: --map input=COLUMN --map expected=COLUMN (or output=, the wrong answer). If the first "
            "line is a row already: --no-header --map input=1 --map expected=2.",
        )
    return found


def _by_names(by_name: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    """Columns that are called what they usually are. Rows of instructions have right answers as `output`."""
    found = dict(named)
    for part, known in NAMES.items():
        free = [by_name[name] for name in known if name in by_name and by_name[name] not in found.values()]
        if part not in found and free:
            found[part] = free[0]
    if INSTRUCTION in by_name and by_name[INSTRUCTION] not in found.values():
        found[INSTRUCTION] = by_name[INSTRUCTION]
        if "output" in found and "output" not in named and "expected" not in found:
            found["expected"] = found.pop("output")
    return found


def _part_of(words: Sequence[str]) -> str:
    """What a longer name says: an answer that is right or wrong, a question; "" where it says nothing."""
    if words[-1] in _ANSWERS:
        return "expected" if _RIGHT & set(words) else "output" if _WRONG & set(words) else ""
    return "input" if words[-1] in _QUESTIONS else ""


def _labels_or_what_is_left(
    columns: Sequence[str], by_name: Mapping[str, str], found: dict[str, str]
) -> dict[str, str]:
    """The same with right answers: labels, or the only column beside questions and ids."""
    others = [one for one in columns if one not in (found.get("input"), found.get("id"))]
    labels = [by_name[name] for name in CLASSES if by_name.get(name) in others]
    if not labels and not ("input" in found and len(others) == 1):
        return found
    answer = (labels or others)[0]
    return {part: one for part, one in found.items() if one != answer} | {"expected": answer}
