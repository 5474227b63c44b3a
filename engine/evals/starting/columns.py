"""What the columns of a table of failures are: known by their names, or named by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        "esperado", "reponse", "risposta", "resposta", "antwoord",
    ),
    "output": (
        "output", "actual", "actual_output", "response", "reply", "bot_reply", "bot", "got", "wrong",
        "wrong_answer", "model_answer", "model_output", "prediction", "generated", "completion", "answer",
        "antwort", "respuesta", "reponse", "risposta", "resposta", "antwoord",
    ),
    "id": ("id", "case", "case_id", "ticket", "ticket_id"),
    "tag": ("tag", "tags", "category", "severity", "label"),
    "sources": ("sources", "source", "document", "documents", "expected_sources"),
}  # fmt: skip
"""Columns by their usual names, the likeliest first."""
CLASSES = ("label", "intent", "class", "category")
"""What the right answers of a table are called that sorts texts, where nothing else is the answer."""


def columns_of(columns: Sequence[str], named: Mapping[str, str], file: str) -> dict[str, str]:
    """Which column is what; each is one thing. `named` goes first. What stands alone beside the questions
    is their answer, whatever it is called.

    Raises UsageError where a named column is not there, or none holds questions.
    """
    for part, asked in named.items():
        if asked not in columns:
            raise UsageError(
                "No such column", f"{asked!r} is none of {', '.join(columns)}.", f"Mend --map {part}=COLUMN."
            )
    by_name = {one.strip().casefold().replace(" ", "_").replace("-", "_"): one for one in columns}
    found = dict(named)
    for part, known in NAMES.items():
        free = [by_name[name] for name in known if name in by_name and by_name[name] not in found.values()]
        if part not in found and free:
            found[part] = free[0]
    if "expected" not in found and "output" not in found:
        for name in CLASSES:
            if name in by_name and by_name[name] not in (found.get("input"), found.get("id")):
                found = {part: column for part, column in found.items() if column != by_name[name]}
                found["expected"] = by_name[name]
                break
        else:
            others = [one for one in columns if one not in (found.get("input"), found.get("id"))]
            if "input" in found and len(others) == 1:
                found = {part: column for part, column in found.items() if column != others[0]}
                found["expected"] = others[0]
    if "input" not in found:
        raise UsageError(
            "No column holds the questions",
            f"{file} has {', '.join(columns) or 'no columns'}.",
            "Name it: --map input=COLUMN --map expected=COLUMN (or output=, the wrong answer). If the first "
            "line is a row already: --no-header --map input=1 --map expected=2.",
        )
    return found
