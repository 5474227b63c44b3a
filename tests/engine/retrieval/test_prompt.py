"""Passages into the prompt, citations out of the answer."""

from __future__ import annotations

import pytest

from engine.retrieval.prompt import build_context, cite, with_context, within_budget
from store.records.data import Message
from store.records.knowledge import Hit

HITS = [
    Hit("a.md", 10, 40, 0.9, "A recovery phrase has twelve words.", title="Recovery"),
    Hit("b.md", 0, 30, 0.5, "Gas is paid to the network in ether."),
]


def test_passages_are_numbered_from_one_in_their_order() -> None:
    context = build_context(HITS)
    assert context.index("[1] Recovery\nA recovery phrase") < context.index("[2] Gas is paid")


def test_a_title_that_opens_the_text_is_not_said_twice() -> None:
    hit = Hit("a.md", 0, 20, 1.0, "# Recovery\n\nTwelve words.", title="Recovery")
    assert build_context([hit]).count("Recovery") == 1


def test_the_context_goes_before_the_last_question_whatever_follows() -> None:
    talk = [Message("system", "S"), Message("user", "one"), Message("assistant", "1"), Message("user", "two")]
    told = with_context(talk, HITS)
    assert told[:3] == talk[:3]
    assert told[3].content.startswith(build_context(HITS))
    assert told[3].content.endswith("\n\ntwo")
    assert talk[3].content == "two"


def test_without_hits_nothing_changes() -> None:
    talk = [Message("user", "one")]
    assert with_context(talk, []) == talk
    assert cite("It is so [1].", []) == ("It is so [1].", [])


def test_a_budget_drops_the_last_passages_first() -> None:
    whole = len(build_context(HITS))
    assert within_budget(HITS, whole, len) == HITS
    assert within_budget(HITS, whole - 1, len) == HITS[:1]
    assert within_budget(HITS, 3, len) == []


@pytest.mark.parametrize(
    "answer", ["Twelve [1].", "Twelve[1].", "Twelve [1][1].", "Twelve words; see [1], yes."]
)
def test_a_cited_number_is_its_passage_once(answer: str) -> None:
    text, citations = cite(answer, HITS)
    assert text == answer
    assert [(one.n, one.doc, one.start, one.end, one.by) for one in citations] == [
        (1, "a.md", 10, 40, "model")
    ]


def test_numbers_in_one_bracket_are_several_citations_in_their_order() -> None:
    assert [one.n for one in cite("Both [2, 1].", HITS)[1]] == [2, 1]


def test_a_number_without_passage_is_taken_out() -> None:
    assert cite("Twelve [1] words [7]. And [2, 9] so [0].", HITS)[0] == "Twelve [1] words. And [2] so."


def test_numbers_in_code_and_links_are_no_citations() -> None:
    answer = "Call `list[7]`, or:\n```\nx = y[1]\n```\nsee [2](http://127.0.0.1)"
    assert cite(answer, HITS) == (answer, [])


def test_a_json_answer_is_left_as_it_is() -> None:
    answer = '{"ids": [7], "list": [1]}'
    assert cite(answer, HITS) == (answer, [])


def test_an_answer_without_numbers_is_attributed_to_the_passage_with_its_words() -> None:
    _, citations = cite("You pay gas to the network, in ether!", HITS)
    assert [(one.n, one.by) for one in citations] == [(2, "overlap")]


def test_an_answer_with_other_words_is_attributed_to_nothing() -> None:
    assert cite("Our office opens at nine, except on Sunday when gas is short.", HITS)[1] == []
