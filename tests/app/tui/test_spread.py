"""Bars with intervals, sparklines, texts word by word: what is drawn is what was measured."""

from __future__ import annotations

import pytest
from textual.content import Content

from app.tui.widgets.facts import MOST as LONGEST
from app.tui.widgets.facts import hung, text
from app.tui.widgets.spread import between, difference, share, sparks
from app.tui.word_diff import MOST, differences


def drawn(parts: list[tuple[str, str]]) -> str:
    return "".join(text for text, _ in parts)


@pytest.mark.parametrize(
    ("value", "span", "bar"),
    [
        (0.5, (0.2, 0.8), "━━├──●──┤··"),
        (0.0, (0.0, 0.1), "●┤·········"),
        (1.0, (0.9, 1.0), "━━━━━━━━━├●"),
        (0.5, (0.49, 0.51), "━━━━━●·····"),
        (0.3, None, "━━━●·······"),
    ],
)
def test_a_share_is_drawn_with_its_interval(value: float, span: tuple[float, float] | None, bar: str) -> None:
    assert drawn(share(value, span, 11, "")) == bar


@pytest.mark.parametrize(
    ("value", "span", "bar"),
    [
        (0.5, (0.2, 0.8), "·····│├─●┤·"),
        (-0.5, (-1.0, -0.3), "├──●┤│·····"),
        (0.0, (-0.4, 0.4), "···├─●─┤···"),
    ],
)
def test_a_difference_stands_left_or_right_of_nothing(
    value: float, span: tuple[float, float], bar: str
) -> None:
    assert drawn(difference(value, span, 11, "", 1.0)) == bar


def test_an_interval_is_written_in_percent() -> None:
    assert between((0.846, 0.966)) == "85-97%"
    assert between(None) == ""


def test_sparks_have_a_bar_for_each_value_and_a_gap_for_none() -> None:
    assert sparks([1, 0, 8]) == "▂ █"
    assert sparks([3]) == ""
    assert sparks([0, 0]) == ""


def test_words_that_only_one_text_has_are_found() -> None:
    a, b = differences('{"intent": "card"}', '{"intent": "fees"}')
    assert [text for text, other in a if other] == ["card"]
    assert [text for text, other in b if other] == ["fees"]
    assert "".join(text for text, _ in a) == '{"intent": "card"}'


def test_of_a_megabyte_the_beginning_is_laid_out_and_the_rest_counted() -> None:
    said = hung(("answered", text("word " * 200_000)), 60).plain
    assert len(said) < 2 * LONGEST
    assert said.endswith("990,000 characters more")


def test_what_a_check_says_goes_on_below_itself() -> None:
    label = Content("✗ exact")
    assert hung((label, Content("expected another answer")), 20).plain == (
        "✗ exactexpected\n       another\n       answer"
    )


def test_of_very_long_texts_only_the_beginning_is_compared() -> None:
    long = "word " * (2 * MOST)
    a, b = differences(long + "x", long + "y")
    assert "".join(text for text, _ in b) == long + "y"
    assert not any(other for _, other in a)
