"""When answers say the same, and when they are classes."""

from __future__ import annotations

import pytest

from engine.data.checks.answers import canonical, canonicals_of, classes_of, likeness, say_the_same


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Yes", " yes ", True),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ('{"intent": "pay"}', '{"intent": "send"}', False),
        ("lost_card", "lost_phone", False),
        (
            "You can top up with a card or by bank transfer.",
            "You can top up by bank transfer or with a card!",
            True,
        ),
        (
            "The fee for a transfer abroad is 2 dollars today",
            "The fee for a transfer abroad is 3 dollars today",
            False,
        ),
        (
            "You can of course do that in the app itself",
            "You can not of course do that in the app itself",
            False,
        ),
    ],
)
def test_answers_say_the_same_where_they_teach_the_same(one: str, other: str, expected: bool) -> None:
    assert say_the_same(one, other) is say_the_same(other, one) is expected


def test_likeness_is_the_share_of_common_words() -> None:
    assert likeness("a b c", "b c d") == 0.5


def test_answers_that_repeat_are_classes() -> None:
    classes = classes_of(["yes", "No", "yes ", "no"] * 5)
    assert classes is not None
    assert set(classes.of) == {"yes", "No"}


def test_free_text_and_a_single_answer_are_no_classes() -> None:
    assert classes_of([f"answer {at}" for at in range(20)]) is None
    assert classes_of(["same"] * 20) is None


def test_json_answers_are_classed_by_the_field_of_a_telling_name() -> None:
    answers = [f'{{"language": "en", "note": "{at}", "intent": "i{at % 3}"}}' for at in range(30)]
    classes = classes_of([*answers, '{"language": "de", "note": "x", "intent": "i0"}'])
    assert classes is not None
    assert (classes.field, classes.of[4]) == ("intent", "i1")


def test_canonical_answers_are_remembered_and_those_of_others_are_not_taken_for_them() -> None:
    answers = ["Yes  ", '{"b": 1, "a": 2}']
    assert canonicals_of(answers) == [canonical(answer) for answer in answers]
    assert canonicals_of(answers) is canonicals_of(answers)
    assert canonicals_of(["Other"]) == ["other"]
