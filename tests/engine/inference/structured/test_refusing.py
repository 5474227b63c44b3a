"""Schemas that are refused before anything is generated: the keyword, its place, in bounded time."""

from __future__ import annotations

from typing import Any

import pytest

from engine.inference.structured.dialect import DRAFTS, MOST_DEEP, MOST_OBJECTS, MOST_VALUES, Draft
from engine.inference.structured.metaschema import mistake_in
from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import choice_structure, regex_structure, schema_structure
from engine.inference.structured.validation import MOST_REFERENCES, Checker
from store.errors import UsageError


@pytest.mark.parametrize(
    ("schema", "keyword", "place"),
    [
        (
            {"properties": {"t": {"type": "array", "uniqueItems": True}}},
            "uniqueItems",
            "#/properties/t/uniqueItems",
        ),
        ({"items": {"contains": {"const": 1}}}, "contains", "#/items/contains"),
        ({"properties": {"a": {"pattern": "^(?!x)"}}}, "pattern", "#/properties/a/pattern"),
        ({"pattern": "(a)\\1"}, "pattern", "#/pattern"),
        ({"$defs": {"x": {"format": "idn-hostname"}}, "$ref": "#/$defs/x"}, "format", "#/$ref/format"),
        ({"anyOf": [{"$ref": "http://elsewhere/s"}]}, "$ref", "#/anyOf/0/$ref"),
        ({"$ref": "file:///etc/passwd"}, "$ref", "#/$ref"),
        ({"$ref": "#/nowhere"}, "$ref", "#/$ref"),
        ({"type": "strng"}, "type", "#/type"),
        ({"properties": {"a/b": {"minLength": -1}}}, "minLength", "#/properties/a~1b/minLength"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "$schema", "#/$schema"),
        ({"not": {"multipleOf": 2}, "type": "number"}, "not", "#/not"),
        (
            {"properties": {"q": {"type": "object", "properties": {"a": {}}, "minProperties": 1}}},
            "minProperties",
            "#/properties/q/minProperties",
        ),
        ({"type": "string", "minLength": 5, "maxLength": 2}, "minLength", "#/minLength"),
        (
            {
                "$dynamicAnchor": "x",
                "$defs": {"y": {"$id": "http://here/y", "$dynamicAnchor": "x"}},
                "items": {"$dynamicRef": "#x"},
            },
            "$dynamicRef",
            "#/items/$dynamicRef",
        ),
        ({"items": {"multipleOf": 2**30, "type": "integer"}}, "multipleOf", "#/items/multipleOf"),
        ({"multipleOf": 9973, "allOf": [{"multipleOf": 9967}]}, "multipleOf", "#/multipleOf"),
        ({"properties": {"a": {"const": "\ud83d"}}}, "properties", "#/properties/a/const"),
        ({"properties": {"\ud83d": True}}, "properties", "#/properties"),
        (
            {"$defs": {"x": {"$schema": "http://json-schema.org/draft-04/schema#"}}, "$ref": "#/$defs/x"},
            "$schema",
            "#/$ref/$schema",
        ),
        (False, "$schema", "#"),
        ([1], "$schema", "#"),
    ],
)
def test_what_cannot_be_enforced_is_named_with_its_place(schema: Any, keyword: str, place: str) -> None:
    with pytest.raises(SchemaRefused) as caught:
        schema_structure(schema)

    assert (caught.value.keyword, caught.value.place) == (keyword, place)
    assert keyword in caught.value.happened
    assert place in caught.value.happened


MISTAKES: list[Any] = [
    {"type": "strng"},
    {"items": [{"minLength": -1}]},
    {"properties": {"a": {"required": "b"}}},
    {"$defs": {"a": {"enum": 1}}},
    {"anyOf": []},
    {"not": {"allOf": [{"pattern": 3}]}},
    {"additionalProperties": {"multipleOf": 0}},
    {"dependentSchemas": {"a": 1}},
    {"const": {"type": 1}},
    {"unevaluatedItems": "no"},
]


@pytest.mark.parametrize("draft", DRAFTS.values(), ids=lambda draft: draft.__name__)
def test_a_mistake_is_one_where_the_drafts_own_metaschema_says_so(draft: Draft) -> None:
    for schema in MISTAKES:
        assert (mistake_in(schema, draft) is None) == draft(draft.META_SCHEMA).is_valid(schema), schema


def test_a_keyword_that_asserts_nothing_in_this_draft_is_named() -> None:
    older = schema_structure({"$schema": "http://json-schema.org/draft-07/schema#", "dependentRequired": {}})
    newer = schema_structure({"dependencies": {"a": ["b"]}})

    assert "'dependentRequired'" in older.notes[0]
    assert "'dependencies'" in newer.notes[0]


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def doubling(levels: int, word: str) -> dict[str, Any]:
    """As many branches as 2 to the power of `levels`, in a few lines."""
    tables: dict[str, Any] = {f"d{at}": {word: [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": tables | {f"d{levels}": {"type": "string"}}}


def ladder(steps: int) -> dict[str, Any]:
    """Definitions that each hold the next."""
    tables: dict[str, Any] = {
        f"d{at}": {"properties": {"a": {"$ref": f"#/$defs/d{at + 1}"}}} for at in range(steps)
    }
    return {"$ref": "#/$defs/d0", "$defs": tables | {f"d{steps}": {}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"type": "string"}, {"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
        {"properties": {"a": {"allOf": [{"$ref": "#"}, {"required": ["b"]}]}}},
        nested(MOST_DEEP + 1),
        nested(5000),
        {"enum": list(range(MOST_VALUES + 1))},
        {"properties": {f"p{at}": {} for at in range(MOST_OBJECTS)}},
        {"properties": {f"p{at}": True for at in range(1500)}},
        {"oneOf": [{"properties": {f"p{at}": {"type": "string"}}} for at in range(200)]},
        {"properties": {f"p{at}": {"multipleOf": 9901 + 2 * at} for at in range(60)}},
        doubling(25, "oneOf"),
        ladder(1_000),
    ],
)
def test_a_schema_bomb_is_a_titled_error(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaRefused, match="cannot be enforced"):
        schema_structure(schema)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(.*a){25}$"])
def test_a_catastrophic_pattern_neither_hangs_the_grammar_nor_the_judgement(pattern: str) -> None:
    structure = schema_structure({"type": "string", "pattern": pattern})
    text = '"' + "a" * 60 + '!"'

    assert not structure.follows(text)
    assert structure.problem(text)


def test_references_without_end_are_given_up_and_count_as_not_valid() -> None:
    checker = Checker(doubling(25, "allOf"))

    assert f"{MOST_REFERENCES:,}" in checker.problem('"a"')


@pytest.mark.parametrize("pattern", ["(", "", "(?=a)b", "a{1,"])
def test_a_pattern_that_cannot_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        regex_structure(pattern)


@pytest.mark.parametrize("choices", [[], [""], ["a", ""]])
def test_there_must_be_something_to_choose(choices: list[str]) -> None:
    with pytest.raises(UsageError, match="nothing to choose"):
        choice_structure(choices)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a/b", "a/b"),
        (r"a\/b", "a/b"),
        (r"\\/", "\\/"),
        (r"^[A-Z]{2}$", "AB"),
        (r"^a|b$", "b"),
        (r"(yes)?", ""),
    ],
)
def test_a_pattern_may_hold_slashes_and_anchors_at_its_ends(pattern: str, text: str) -> None:
    structure = regex_structure(pattern)

    assert structure.follows(text)
    assert not structure.follows(text + "!")


@pytest.mark.parametrize(
    "choices", [["a", "ab", "abc"], ["no", "no way"], ["yes\nno", "yes"], [" a", "a"], ['"', "\\"]]
)
def test_a_choice_may_begin_like_another(choices: list[str]) -> None:
    structure = choice_structure(choices)

    assert all(structure.follows(choice) for choice in choices)
    assert not any(structure.follows(choice + "x") for choice in choices)


def test_there_may_be_very_many_choices() -> None:
    choices = [f"choice number {at}" for at in range(12_000)]
    structure = choice_structure(choices)

    assert structure.follows(choices[-1])
    assert not structure.follows(choices[-1] + "0")


def test_a_schema_that_grows_too_large_is_refused_by_a_keyword_and_not_by_a_number() -> None:
    branches = [{"properties": {f"p{at}": {"type": "string"}}, "required": [f"p{at}"]} for at in range(60)]

    with pytest.raises(SchemaRefused, match="parts") as caught:
        schema_structure({"type": "object", "oneOf": branches})
    assert caught.value.keyword == "oneOf"


@pytest.mark.parametrize("value", [12345678901234567890123, -(2**70) - 1, [10**30 + 1], {"a": 2**90 + 1}])
def test_whole_numbers_that_would_be_rounded_are_refused(value: Any) -> None:
    for schema in ({"const": value}, {"enum": [1, value]}):
        with pytest.raises(SchemaRefused, match="more digits"):
            schema_structure(schema)
