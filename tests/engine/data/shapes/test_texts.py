"""Texts for continued pretraining, and the columns beside them that make a text something else."""

from __future__ import annotations

import pytest

from store.errors import UsageError
from tests.engine.data.shapes.reading import read, reason, row


def test_a_text_stands_as_it_is() -> None:
    found = row({"text": " two\n\nlines ", "url": "x", "Language": "en"})
    assert (found.text, found.messages) == (" two\n\nlines ", [])


def test_a_content_column_is_a_text_too() -> None:
    assert row({"content": "words", "title": "t"}).text == "words"


@pytest.mark.parametrize(("value", "expected"), [(None, "text is null"), (" ", "empty"), ("\0", "NUL")])
def test_what_is_no_text_is_refused(value: str | None, expected: str) -> None:
    assert expected in reason({"text": value})


def test_a_text_with_a_class_beside_it_asks_for_a_map() -> None:
    with pytest.raises(UsageError, match="Which column is what"):
        read({"text": "x", "category": "y"})


def test_a_map_makes_any_column_a_text() -> None:
    assert row({"body": "words", "category": "y"}, map={"text": "body"}).text == "words"
