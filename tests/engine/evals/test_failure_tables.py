"""Tables of failures: which columns are what, and what becomes of each row."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.starting.failures import read_failures
from store.errors import TemperError, UsageError


def test_a_csv_of_failures_becomes_cases_that_remember_their_line(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(
        'Question;Expected;wrong;ticket;product\n"Where?";Here.;No idea;T1;card\nHow?;;Go away;T1;\n;;;;\n'
    )

    first, second = read_failures(file, {}).cases

    assert (first.id, first.input, first.expected) == ("T1", "Where?", "Here.")
    assert first.metadata == {"product": "card", "output": "No idea"}
    assert first.origin is not None
    assert (first.origin.kind, first.origin.source, first.origin.line) == ("failure", "f.csv", 2)
    assert second.id == "T1-2"
    assert second.checks[0].options == {"value": "Go away", "absent": True}


@pytest.mark.parametrize(
    ("text", "named", "title"),
    [
        ("a,b\n1,2\n", {}, "No column holds the questions"),
        ("input,b\n,2\n", {}, "There are no failures"),
        ("a,b\n1,2\n", {"input": "c"}, "No such column"),
        ("", {}, "No column holds the questions"),
    ],
)
def test_a_csv_without_questions_is_refused(
    tmp_path: Path, text: str, named: dict[str, str], title: str
) -> None:
    file = tmp_path / "f.csv"
    file.write_text(text)

    with pytest.raises(UsageError, match=title):
        read_failures(file, named)


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "f.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("\ufeffquestion;expected\r\nWo?;\u00dcber der Br\u00fccke.\r\n;\r\n", "utf-8"),
        ("question\texpected\nWo?\t\u00dcber der Br\u00fccke.\n", "utf-16"),
        ("sep=;\nQuestion;Expected Answer\nWo?;\u00dcber der Br\u00fccke.\n", "utf-8"),
        ("prompt|ground-truth\nWo?|\u00dcber der Br\u00fccke.\n", "utf-8"),
        ('query,correct\n"Wo?","\u00dcber der Br\u00fccke."\n', "utf-8"),
    ],
)
def test_tables_are_read_however_they_are_written(tmp_path: Path, text: str, encoding: str) -> None:
    [case] = read_failures(table(tmp_path, text, encoding), {}).cases

    assert (case.input, case.expected) == ("Wo?", "\u00dcber der Br\u00fccke.")


def test_an_encoding_that_cannot_be_seen_is_asked_for(tmp_path: Path) -> None:
    file = table(tmp_path, "question,expected\nWo?,\u00dcber\n", "cp1252")

    with pytest.raises(TemperError, match="not UTF-8"):
        read_failures(file, {})
    assert read_failures(file, {}, "cp1252").cases[0].expected == "\u00dcber"


def test_a_table_without_a_header_has_columns_by_their_numbers(tmp_path: Path) -> None:
    file = table(tmp_path, "Where?,Here.\nHow?,So.\n")

    with pytest.raises(UsageError, match="No column holds the questions") as caught:
        read_failures(file, {})
    assert "--no-header --map input=1" in caught.value.remedy
    found = read_failures(file, {"input": "1", "expected": "2"}, header=False).cases
    assert [(case.input, case.expected, case.origin.line if case.origin else 0) for case in found] == [
        ("Where?", "Here.", 1),
        ("How?", "So.", 2),
    ]


def test_rows_that_become_no_case_are_told_with_their_lines(tmp_path: Path) -> None:
    text = 'question,expected\nA?,"b\nc"\n,x\nA?,"b\nc"\nA?,d\nshort\n'

    made = read_failures(table(tmp_path, text), {})

    assert [case.expected for case in made.cases] == ["b\nc", "d"]
    assert made.notes[0] == "1 row (line 4) has no question: left out."
    assert made.notes[1] == "1 row (line 5) was said before, word for word: left out."
    assert made.notes[2] == "1 row left out (line 8): 1 field where the header has 2."
    assert made.notes[3].startswith("1 question has several right answers in the table")


def test_a_column_is_one_thing_and_labels_are_answers_where_nothing_else_is(tmp_path: Path) -> None:
    both = read_failures(table(tmp_path, "question,answer,expected,label\nA?,b,c,d\n"), {}).cases[0]
    labels = read_failures(table(tmp_path, "text,label\nA?,b\n"), {}).cases[0]

    assert (both.expected, both.metadata["output"], both.tags) == ("c", "b", ["d"])
    assert (labels.expected, labels.tags) == ("b", [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sentence,entities\nAnn is in Rome,Ann\n", "Ann"),
        ("question,sql\nAll?,SELECT a FROM t\n", "SELECT a FROM t"),
        ("text,tags\nHi,greeting\n", "greeting"),
        ("frage,antwort\nWo?,Hier.\n", "Hier."),
        ("id,query,call\n7,Hi,f()\n", "f()"),
        ("Customer question,Bot answer,Correct answer,Category\nWho?,B,R,c\n", "R"),
        ("userMessage,bestAnswer,incorrectAnswers\nWho?,R,W\n", "R"),
        ("prompt,chosen,rejected\nWho?,R,W\n", "R"),
    ],
)
def test_what_stands_alone_beside_the_questions_is_their_answer(
    tmp_path: Path, text: str, expected: str
) -> None:
    [case] = read_failures(table(tmp_path, text), {}).cases

    assert case.expected == expected


def test_rows_of_instructions_are_asked_whole_and_have_right_answers(tmp_path: Path) -> None:
    [case] = read_failures(table(tmp_path, "instruction,input,output\nTranslate,cat,Katze\n"), {}).cases

    assert (case.input, case.expected) == ("Translate\n\ncat", "Katze")


def test_which_column_was_taken_for_what_is_said_where_its_name_does_not_settle_it(tmp_path: Path) -> None:
    guessed = read_failures(table(tmp_path, "question,keywords\nA?,b\n"), {}).notes
    wrong = read_failures(table(tmp_path, "prompt,response\nA?,b\n"), {}).notes

    assert guessed == ["`keywords` is taken for the right answers; if it is not: --map expected=COLUMN"]
    assert wrong == ["`response` is taken for wrong answers; if they are right ones: --map expected=response"]
    assert read_failures(table(tmp_path, "question,expected\nA?,b\n"), {}).notes == []


@pytest.mark.parametrize(
    ("head", "right"),
    [
        ("A,B,C", "B"),
        ("A,B,C", "two"),
        ("option_a,option_b,option_c", "b"),
        ("Choice 1,Choice 2,Choice 3", "(B)"),
    ],
)
def test_columns_of_choices_are_shown_behind_the_question(tmp_path: Path, head: str, right: str) -> None:
    text = f"question,{head},answer\nWhich?,one,two,three,{right}\nWho?,x,y,,none\n"

    made = read_failures(table(tmp_path, text), {})

    assert made.cases[0].input == "Which?\n\nA) one\nB) two\nC) three"
    assert made.cases[0].expected == "B"
    assert made.cases[1].input == "Who?\n\nA) x\nB) y"
    assert made.notes == ["1 row (line 3) has a right answer that is none of its choices."]


def test_columns_with_few_values_become_slices(tmp_path: Path) -> None:
    rows = "".join(f"Q{n}?,a,{('de', 'en')[n % 2]},note {n}\n" for n in range(6))

    cases = read_failures(table(tmp_path, f"question,expected,language,note\n{rows}"), {}).cases

    assert cases[0].slices == {"language": "de"}
    assert cases[0].metadata == {"note": "note 0"}


def test_failures_may_be_records_of_json(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text(
        '{"question": "A?", "expected": {"n": 1}, "id": 7}\n{"question": "B?", "note": null}\n{"q'
    )

    made = read_failures(file, {})

    assert [(case.id, case.input, case.expected) for case in made.cases] == [
        ("7", "A?", '{"n":1}'),
        ("row-2", "B?", None),
    ]
    assert "line 3" in made.notes[0]
