"""Question files in their three forms, what they expect, and what is wrong with bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.retrieval.checking.expecting import resolve
from engine.retrieval.checking.question_files import (
    find_questions,
    identity,
    read_questions,
    write_questions,
)
from store.errors import MissingError, UsageError
from store.records.kb_check import Question, Source

TEXTS = {
    "knowledge/fees.md": "# Fees\n\nEvery transfer\npays gas.",
    "knowledge/open.txt": "Open from nine to five.",
    "old/fees.md": "No fees at all. Open from nine to five.",
}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_three_forms_say_the_same(tmp_path: Path) -> None:
    forms = [
        write(
            tmp_path,
            "a.yaml",
            "questions:\n- {question: 'Fees, please?', expected: [fees.md, open.txt]}\n"
            "- {question: 'Hours?', quotes: nine to five}\n",
        ),
        write(
            tmp_path,
            "a.jsonl",
            '{"question": "Fees, please?", "expected": ["fees.md", "open.txt"]}\n\n'
            '{"question": "Hours?", "quotes": ["nine to five"]}\n',
        ),
        write(
            tmp_path,
            "a.csv",
            'question,expected,quote\n"Fees, please?",fees.md; open.txt,\nHours?,,nine to five\n',
        ),
    ]
    read = [read_questions(path) for path in forms]
    assert len({identity(questions) for questions in read}) == 1
    assert read[0][0].expected == ["fees.md", "open.txt"]
    assert read[2][1].quotes == ["nine to five"]


def test_cases_of_a_suite_with_expected_sources_are_questions(tmp_path: Path) -> None:
    path = write(tmp_path, "s.yaml", "cases:\n- {id: c1, input: 'Fees?', expected_sources: [fees.md]}\n")
    assert read_questions(path) == [Question("Fees?", ["fees.md"], id="c1")]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "questions: [", "a.yaml"),
        ("a.yaml", "questions: 7", "no list of `questions`"),
        ("a.yaml", "- fees", "question 1 is no table"),
        ("a.yaml", "- {expected: [fees.md]}", "question 1 has no `question`"),
        ("a.yaml", "- {question: 'Fees?', expected: 7}", "`expected` is no text"),
        ("a.jsonl", '{"question": "Fees?"}\n{"question"', "line 2"),
        ("a.csv", "question\n", "holds none"),
        ("a.yaml", "", "holds none"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_questions(write(tmp_path, name, text))
    assert told in refused.value.happened


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"question\n\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_questions(path)


def test_without_a_file_the_ways_to_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError) as missing:
        find_questions(tmp_path, "docs", None)
    assert "--generate" in missing.value.remedy
    (tmp_path / "retrieval").mkdir()
    own = write(tmp_path / "retrieval", "docs.csv", "question\n")
    assert find_questions(tmp_path, "docs", None) == own
    with pytest.raises(MissingError, match="No such question file"):
        find_questions(tmp_path, "docs", tmp_path / "absent.yaml")


def test_a_written_file_reads_as_it_was_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "retrieval" / "docs.yaml"
    made = [Question("Was kostet's?\n# no", ["fees.md"], ["a: b"], "g1", True)]
    write_questions(path, "docs", made)
    assert read_questions(path) == [Question("Was kostet's?\n# no", ["fees.md"], ["a: b"], "g1", True)]
    with pytest.raises(UsageError, match="there already"):
        write_questions(path, "docs", made)


def test_sources_are_found_by_name_by_place_and_by_quotation() -> None:
    asked = [
        Question("1", ["knowledge/fees.md"]),
        Question("2", ["open.txt:5-23"]),
        Question("3", ["knowledge/fees.md"], ["transfer pays gas"]),
    ]
    known, unresolved = resolve(asked, TEXTS)
    assert not unresolved
    assert [one.sources for one in known] == [
        [Source("knowledge/fees.md")],
        [Source("knowledge/open.txt", 5, 23)],
        [Source("knowledge/fees.md", 14, 31)],
    ]
    assert TEXTS["knowledge/fees.md"][14:31] == "transfer\npays gas"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question("q", ["gone.md"]), "gone.md is not in the knowledge base"),
        (Question("q", ["fees.md"]), "could be"),
        (Question("q", ["open.txt:5-2000"]), "the characters 0 to 23"),
        (Question("q", [], ["nine to five"]), "stands in several documents"),
        (Question("q", [], ["ten to six"]), "stands in none"),
        (Question("q", [], [" "]), "empty"),
        (Question("q"), "neither"),
    ],
)
def test_what_is_not_there_is_told_and_not_scored(question: Question, told: str) -> None:
    known, (unresolved,) = resolve([question], TEXTS)
    assert not known
    assert told in unresolved.why
