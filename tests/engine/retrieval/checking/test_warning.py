"""Documents that are nearly the same, at odds, or never brought up."""

from __future__ import annotations

import pytest

from engine.retrieval.checking.warning import alike, contradictions, look, unreached
from store.records.knowledge import Chunk, DocumentRecord

TEXT = (
    "A refund is paid within ten days of the return. Ask at the desk for a form, fill it in, and hand it "
    "over with the goods. What was opened cannot be returned, except where it was broken when it came. "
    "The costs of sending it back are yours unless the goods were broken or are not what you had ordered."
)


def document(name: str, text: str, date: str = "") -> DocumentRecord:
    return DocumentRecord(name, text, date=date)


def passage(doc: str, text: str) -> Chunk:
    return Chunk(f"{doc}:0", doc, 0, len(text), text)


def test_a_document_with_a_word_changed_is_nearly_the_same() -> None:
    copy = TEXT.replace("desk", "counter")
    (pair,) = alike([document("a", TEXT), document("b", copy), document("c", "Nothing of the kind is here.")])
    assert (pair.a, pair.b) == ("a", "b")
    assert 0.7 <= pair.likeness < 1


def test_documents_that_share_a_paragraph_are_not_the_same() -> None:
    other = (
        "Cars stand behind the house, bicycles before it. " * 3
        + "Ask the porter, who has all the keys to it."
    )
    assert alike([document("a", TEXT), document("b", f"{TEXT[:60]} {other}")]) == []


def test_many_near_copies_are_found_though_their_words_are_common() -> None:
    copies = [document(f"{at:03}", f"{TEXT} Number {at}.") for at in range(40)]
    found = alike(copies)
    assert {one.a for one in found} | {one.b for one in found} == {copy.name for copy in copies}


@pytest.mark.parametrize("texts", [[], ["one"], ["", ""], ["the of", "the of"]])
def test_little_or_nothing_is_like_nothing(texts: list[str]) -> None:
    assert alike([document(str(at), text) for at, text in enumerate(texts)]) == []


def test_short_copies_are_found() -> None:
    texts = ["Open from nine until five daily", "Open from nine until five daily"]
    assert len(alike([document(str(at), text) for at, text in enumerate(texts)])) == 1


def test_other_figures_in_the_same_sentence_contradict() -> None:
    found = [
        (
            "How long does a refund take?",
            [
                passage("old", "A refund is paid within 30 days of the return."),
                passage("new", "A refund is paid within 10 days of the return."),
            ],
        )
    ]
    (one,) = contradictions(found, {"old": "2020-01-01"})
    assert (one.a, one.b, one.a_date, one.b_date) == ("old", "new", "2020-01-01", "")
    assert "30" in one.a_says
    assert "10" in one.b_says


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A refund is paid within 10 days of it.", "A refund is paid within 10 days of it."),
        ("A refund is paid within 10 days of it.", "The office in town opens at 9 every day."),
        ("A refund is paid within days of it.", "A refund is paid within days of it soon."),
    ],
)
def test_what_agrees_or_speaks_of_something_else_does_not(one: str, other: str) -> None:
    assert contradictions([("?", [passage("a", one), passage("b", other)])], {}) == []


def test_a_document_does_not_contradict_itself() -> None:
    said = [
        passage("a", "A refund is paid within 10 days."),
        passage("a", "A refund is paid within 30 days."),
    ]
    assert contradictions([("?", said)], {}) == []


def test_what_no_question_brings_up_is_counted_and_named() -> None:
    chunks = [passage("a", "x"), passage("b", "y"), passage("c", "z")]
    told = unreached(chunks, [("?", [chunks[0], chunks[1]])], 1)
    assert (told.count, told.of, told.reachable) == (2, 3, 1)
    assert told.first == ["b:0", "c:0"]
    assert told.documents == ["b", "c"]


def test_without_questions_nothing_is_said_of_what_they_reach() -> None:
    assert look([document("a", TEXT)], [passage("a", TEXT)], [], 5).unreached is None
