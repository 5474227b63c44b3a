"""Columns of a file of complaints, however they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.triage.columns import columns_of
from engine.evals.triage.complaints import guess_from_words, read_complaints
from store.errors import UsageError


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (["question", "complaint"], {"input": "question", "comment": "complaint"}),
        (
            ["Ticket ID", "Customer Question", "Bot Answer", "User Feedback", "Occurrences"],
            {
                "id": "Ticket ID",
                "input": "Customer Question",
                "output": "Bot Answer",
                "comment": "User Feedback",
                "count": "Occurrences",
            },
        ),
        (
            ["Kundenfrage", "Antwort des Bots", "Was ist falsch?", "Häufigkeit"],
            {
                "input": "Kundenfrage",
                "output": "Antwort des Bots",
                "comment": "Was ist falsch?",
                "count": "Häufigkeit",
            },
        ),
        (["pregunta", "respuesta", "queja", "veces"], None),
        (["userMessage", "botReply", "whatWentWrong"], None),
    ],
)
def test_columns_are_known_by_their_names(columns: list[str], parts: dict[str, str] | None) -> None:
    found = columns_of(columns, "c.csv")

    assert parts is None or found == parts
    assert {"input", "output", "comment"} <= found.keys() or len(columns) == 2


def test_a_column_may_be_named_by_hand() -> None:
    assert columns_of(["a", "b"], "c.csv", {"comment": "b"}) == {"comment": "b"}
    with pytest.raises(UsageError, match="has a, b"):
        columns_of(["a", "b"], "c.csv")
    with pytest.raises(UsageError, match="No such part or column"):
        columns_of(["a", "b"], "c.csv", {"comment": "z"})
    with pytest.raises(UsageError, match="No such part or column"):
        columns_of(["a", "b"], "c.csv", {"remark": "b"})


@pytest.mark.parametrize(
    ("comment", "category"),
    [
        ("Der Preis ist veraltet", "knowledge"),
        ("La respuesta es inventada", "hallucination"),
        ("Die Antwort ist viel zu lang", "tone"),
        ("se niega a contestar", "refusal"),
        ("The link to reset my password does not work", "behaviour"),
        ("it asks for my password", "safety"),
    ],
)
def test_complaints_in_several_languages_get_a_first_guess(comment: str, category: str) -> None:
    assert guess_from_words(comment, "").category == category


def test_a_file_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    rows = 'Kundenfrage;Was ist falsch?;Anzahl\r\n"Zwei\r\nZeilen";veraltet;1.234\r\n;;\r\nGebühr?;;viele\r\n'
    path.write_bytes(rows.encode("cp1252"))

    found = read_complaints(path, encoding="cp1252")

    assert [(one.input, one.weight) for one in found] == [("Zwei\r\nZeilen", 1234), ("Gebühr?", 1)]
