"""Columns of a file of complaints, however they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.triage.board import board
from engine.evals.triage.columns import columns_of
from engine.evals.triage.complaints import guess_from_words, read_complaints
from engine.evals.triage.periods import by_period, day_of
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


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (["Datum", "Beschwerdetext"], {"time": "Datum", "comment": "Beschwerdetext"}),
        (["Customer Name", "Answered by", "Complaint"], {"comment": "Complaint"}),
        (["verbatim"], {"comment": "verbatim"}),
        (["Subject", "Body", "CSAT"], {"comment": "Body"}),
    ],
)
def test_where_no_name_is_known_the_longest_texts_are_the_complaint(
    columns: list[str], parts: dict[str, str]
) -> None:
    texts = {"verbatim": "It was rude to me", "Body": "I was told the old fee", "Subject": "Fees", "CSAT": 1}

    assert columns_of(columns, "c.csv", rows=[texts]) == parts


def test_a_file_without_a_line_of_names_is_refused() -> None:
    with pytest.raises(UsageError, match="It was rude to me") as refused:
        columns_of(["It was rude to me"], "c.csv", rows=[{"It was rude to me": "It made up a fee"}])

    assert "put a line with names above it" in refused.value.remedy


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

    found = read_complaints(path, encoding="cp1252").failures

    assert [(one.input, one.weight) for one in found] == [("Zwei\r\nZeilen", 1234), ("Gebühr?", 1)]


def test_a_text_alone_is_the_complaint_and_its_trend_is_over_time(tmp_path: Path) -> None:
    path = tmp_path / "only.csv"
    came = [
        ("02/03/2026", "It refuses to answer"),
        ("2/17/2026", "it refuses to answer!"),
        ("2/17/2026", "rude"),
    ]
    lines = ["created_at,customer_message", *(f"{day},{text}" for day, text in came)]
    path.write_text("\n".join(lines), encoding="utf-8")

    read = read_complaints(path)
    groups = board("only.csv", read.failures, {}).groups

    assert read.columns == {"time": "created_at", "input": "customer_message"}
    assert [(one.category, one.guess.evidence) for one in groups] == [
        ("refusal", "the complaint says 'refuses to answer'"),
        ("tone", "the complaint says 'rude'"),
    ]
    assert [(one.source, one.count) for one in groups[0].trend] == [
        ("2026-02-02", 1),
        ("2026-02-09", 0),
        ("2026-02-16", 1),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-28T10:00:00Z", "2026-02-28"),
        ("28.2.2026 10:00", "2026-02-28"),
        ("28/02/2026", "2026-02-28"),
        ("1772272800", "2026-02-28"),
        ("1772272800123", "2026-02-28"),
        ("31.2.2026", ""),
        ("yesterday", ""),
    ],
)
def test_a_day_is_read_as_files_write_it(text: str, day: str) -> None:
    assert day_of(text) == day


@pytest.mark.parametrize(
    ("last", "periods"),
    [
        ("2026-01-03", ["2026-01-01", "2026-01-02", "2026-01-03"]),
        ("2026-01-15", ["2025-12-29", "2026-01-05", "2026-01-12"]),
        ("2026-04-01", ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ("2029-01-01", ["2026", "2027", "2028", "2029"]),
    ],
)
def test_the_longer_the_time_the_longer_the_periods(last: str, periods: list[str]) -> None:
    found = by_period({"2026-01-01": 2, last: 1}, "2026-01-01", last)

    assert list(found) == periods
    assert (found[periods[0]], found[periods[-1]]) == (2, 1)
