"""Questions that a model writes: which passages they are of, and what is no question."""

from __future__ import annotations

import pytest

from engine.retrieval.checking.expecting import resolve
from engine.retrieval.checking.generating import cleaned, drawn, fault, write_all
from store.records.knowledge import Chunk

WORDS = "Every transfer over the network pays a fee that depends on how busy it is and never on the amount. "


def passage(doc: str, number: int) -> Chunk:
    text = WORDS + f"This is passage number {number} of {doc} and says a little more than that. "
    return Chunk(f"{doc}:{number}", doc, 0, len(text), text)


CHUNKS = [passage("long", at) for at in range(20)] + [passage("short", 0), Chunk("t:0", "t", 0, 5, "Title")]


def ignore(done: int, total: int) -> None:
    """Nobody watches."""


def test_documents_take_turns_and_headings_alone_are_left_out() -> None:
    order = [chunk.doc for chunk in drawn(CHUNKS, 0)]
    assert set(order[:2]) == {"long", "short"}
    assert len(order) == 21
    assert [chunk.id for chunk in drawn(CHUNKS, 1)] == [chunk.id for chunk in drawn(CHUNKS, 1)]


def test_a_written_question_names_its_passage_and_waits_for_review() -> None:
    numbers = iter(range(100))
    written = write_all(
        CHUNKS, 2, lambda prompt: f"Question: What is the fee {next(numbers)}?\n\nx", 0, ignore
    )
    assert [one.question for one in written.questions] == ["What is the fee 0?", "What is the fee 1?"]
    assert all(one.unreviewed for one in written.questions)
    texts = {chunk.doc: chunk.text for chunk in CHUNKS if chunk.doc != "long"}
    texts["long"] = "\n\n".join(chunk.text for chunk in CHUNKS if chunk.doc == "long")
    known, unresolved = resolve(written.questions, texts)
    assert (len(known), unresolved) == (2, [])
    assert all(source.end for one in known for source in one.sources)


def test_what_is_no_question_is_counted_and_tried_again_but_not_for_ever() -> None:
    asked: list[str] = []

    def write(prompt: str) -> str:
        asked.append(prompt)
        return "I cannot help."

    written = write_all(CHUNKS, 2, write, 0, ignore)
    assert (written.questions, written.left_out, len(asked)) == ([], {"no question": 6}, 6)
    twice = write_all(CHUNKS, 2, lambda prompt: "What is the fee?", 0, ignore)
    assert (len(twice.questions), twice.left_out) == (1, {"asked already": 5})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "nothing was written"),
        ("The fee.", "no question"),
        ("What is the passage about?", "about the passage itself"),
        ("Wie hoch sind die Kosten?", "no word of it stands in the passage"),
        ('"How is the fee made?"', ""),
    ],
)
def test_only_questions_about_what_the_passage_says_are_kept(answer: str, reason: str) -> None:
    assert fault(cleaned(answer), Chunk("a", "a", 0, len(WORDS), WORDS)) == reason
