"""The manual: read off the structs, complete, and the same for a form, a file and `--set`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.manual import Field, fields, typed
from engine.training.recipe import put
from store.records.recipe import Lora, Recipe

BY_KEY = {field.key: field for field in fields()}


def read_back(field: Field, text: str) -> Any:
    """What `--set` makes of a field's override."""
    raw: dict[str, Any] = {}
    put(raw, field.override(text))
    for part in field.key.split("."):
        raw = raw[part]
    return raw


def test_every_field_of_a_recipe_is_there_once_with_its_docstring() -> None:
    own = {name for name in Recipe.__struct_fields__ if name != "lora"}
    expected = own | {f"lora.{name}" for name in Lora.__struct_fields__}
    assert sorted(BY_KEY) == sorted(expected)
    assert len(fields()) == len(expected)
    assert [field.key for field in fields() if not field.about] == []


def test_a_docstring_is_one_paragraph_as_the_file_has_it() -> None:
    assert BY_KEY["lora.rank"].about.startswith("Columns of the low-rank matrices; more rank")
    assert "\n" not in BY_KEY["objective"].about


def test_what_a_field_may_be_is_said_with_its_bounds() -> None:
    assert BY_KEY["lora.rank"].expects == "a whole number, at least 1"
    assert BY_KEY["rows_share"].expects == "a number, above 0, at most 1"
    assert BY_KEY["lora.dropout"].expects == "a number, at least 0, below 1"
    assert BY_KEY["betas"].expects.startswith("2 numbers in brackets")
    assert "auto" in BY_KEY["recompute_layers"].expects


def test_words_are_closed_where_there_are_no_other_values() -> None:
    assert BY_KEY["method"].words == ("qlora", "lora", "full")
    assert BY_KEY["method"].closed
    assert BY_KEY["packing"].words == ("false", "true")
    assert set(BY_KEY["recompute_layers"].words) == {"auto", "all"}
    assert not BY_KEY["recompute_layers"].closed


@pytest.mark.parametrize("field", fields(), ids=lambda field: field.key)
def test_a_default_as_a_person_would_type_it_is_read_back_as_itself(field: Field) -> None:
    raw: dict[str, Any] = {}
    put(raw, field.override(typed(field.default)))
    recipe: Any = msgspec.convert(raw, Recipe)
    for part in field.key.split("."):
        recipe = getattr(recipe, part)
    assert recipe == field.default


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
def test_text_stays_text_whatever_it_looks_like(text: str) -> None:
    assert read_back(BY_KEY["dataset"], text) == text


@pytest.mark.parametrize("text", ["2024", "true", '"quoted"', "a = b", "", "it's", "1 # no comment"])
def test_text_that_looks_like_a_value_is_quoted(text: str) -> None:
    assert read_back(BY_KEY["dataset"], text) == text


@pytest.mark.parametrize(("text", "value"), [("32", 32), ("2e-4", 2e-4), ("thirty", "thirty"), ("", "")])
def test_a_number_is_one_where_it_is_one_and_else_what_was_typed(text: str, value: object) -> None:
    assert BY_KEY["learning_rate"].value(text) == value
    assert read_back(BY_KEY["learning_rate"], text) == value
