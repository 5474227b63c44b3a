"""Schemas that a grammar enforces: what the draft allows may be written, what it forbids may not."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.inference.structured.dialect import draft_of
from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import schema_structure
from store.errors import UsageError

Values = list[Any]

AB = {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", 2, True]),
        ({"type": "integer", "minimum": 2, "maximum": 4}, [2, 4], [1, 5, 2.5]),
        ({"type": "string", "pattern": "^[a-c]+$"}, ["abc"], ["", "abd"]),
        ({"type": "string", "format": "date"}, ["2026-11-28"], ["2026-13-01", "x"]),
        ({"format": "json-pointer"}, ["/a/b~1", "", 3], ["a", "/~"]),
        ({"format": "uri-reference"}, ["/a?b#c", "http://x/y", "a/b"], ["a b", "http://[x"]),
        ({"format": "iri"}, ["http://ex.org/é?q#漢"], ["/é", "http://a b", "é:"]),
        ({"format": "iri-reference"}, ["é/x", "//ü.de", ""], ["\\\\x", "a b"]),
        ({"format": "uri-template"}, ["/{+x,y*}/{?q:3}é", ""], ["/{x", "{}", "{é}", "a b", "{x:0}"]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [[1, 2]], [[], ["a"]]),
        ({"type": "array", "contains": {"type": "null"}, "minContains": 0}, [[1], []], [{}]),
        ({"type": "integer", "multipleOf": 86400, "minimum": 1}, [86400, 172800], [0, 8640, 86401]),
        ({"prefixItems": [{"type": "string"}], "items": False}, [["a"], [], 1], [[1], ["a", 1]]),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, [{"a": 1}, 5], [{}, {"a": "x"}]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, [{"z": 1}], [{"z": "1"}]),
        ({"not": {"type": "string"}}, [1, None, []], ["a"]),
        ({"not": {"enum": ["a", "ab"]}}, ["", "b", "abc", 1], ["a", "ab"]),
        ({"type": "object", "not": {"required": ["a", "b"]}}, [{"a": 1}, {}], [AB]),
        ({"type": "integer", "not": {"const": 3}}, [2, 4, -3], [3]),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"}, [{"a": 1}], [AB, {}]),
        ({"oneOf": [{"type": "number"}, {"const": "x"}]}, [1.5, "x"], ["y"]),
        ({"oneOf": [{"maximum": 5}, {"minimum": 3}], "type": "integer"}, [2, 6], [3, 4, 5]),
        (
            {"if": {"properties": {"k": {"const": 1}}, "required": ["k"]}, "then": {"required": ["v"]}},
            [{"k": 1, "v": 0}, {"k": 2}, {}],
            [{"k": 1}],
        ),
        ({"dependentRequired": {"a": ["b"]}}, [AB, {"b": 1}, 3], [{"a": 1}]),
        ({"dependentSchemas": {"a": {"properties": {"b": {"type": "null"}}}}}, [{"b": 1}], [AB]),
        ({"propertyNames": {"pattern": "^[xy]$"}}, [{"x": 1, "y": 2}], [{"z": 1}]),
        ({"unevaluatedProperties": False, "properties": {"a": {}}}, [{"a": 1}], [AB]),
        ({"allOf": [{"minLength": 2}, {"maxLength": 3}]}, ["ab", "abc"], ["a", "abcd"]),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True},
            [4, 3.5],
            [3],
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]},
            [["a", 1]],
            [[1]],
        ),
        (
            {
                "$ref": "#/$defs/node",
                "$defs": {
                    "node": {
                        "type": "object",
                        "properties": {"n": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
                        "required": ["n"],
                        "additionalProperties": False,
                    }
                },
            },
            [{"n": 1}, {"n": 1, "next": {"n": 2, "next": {"n": 3}}}],
            [{"n": 1, "next": {}}],
        ),
        (
            {
                "$schema": "https://json-schema.org/draft/2019-09/schema",
                "$recursiveAnchor": True,
                "items": [{"$recursiveRef": "#"}, {"type": "null"}],
                "unevaluatedItems": False,
            },
            [[[], None], [[[]]], 1],
            [[1, None, 1], [[1, 2]]],
        ),
        (
            {
                "$dynamicAnchor": "node",
                "properties": {"n": {"type": "integer"}, "next": {"$dynamicRef": "#node"}},
                "additionalProperties": False,
                "type": "object",
            },
            [{"n": 1}, {"next": {"n": 2}}],
            [{"next": {"n": "a"}}, {"next": 1}],
        ),
        (
            {
                "$id": "http://here/a",
                "$defs": {"s": {"$anchor": "s", "type": "string"}},
                "items": {"$ref": "#s"},
            },
            [["a"]],
            [[1]],
        ),
    ],
)
def test_grammar_and_judgement_both_keep_a_schema(schema: dict[str, Any], good: Values, bad: Values) -> None:
    structure = schema_structure(schema)

    for value in good:
        assert structure.follows(json.dumps(value, ensure_ascii=False)), value
        assert structure.problem(json.dumps(value)) == "", value
    for value in bad:
        assert not structure.follows(json.dumps(value, ensure_ascii=False)), value
        assert structure.problem(json.dumps(value)), value


PLAIN = st.sampled_from(
    (
        *(True, {"type": "string"}, {"type": "integer"}, {"const": "a"}, {"enum": [1, "b", None]}),
        *(
            {"minimum": 1},
            {"type": ["object", "null"]},
            {"maxLength": 1},
            {"required": ["a"]},
            {"maxItems": 1},
        ),
    )
)
APPLICATORS = st.sampled_from(["anyOf", "oneOf", "allOf"])
SCHEMAS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds(lambda word, parts: {word: parts}, APPLICATORS, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda a, b: {"properties": {"a": a, "b": b}}, inner, inner),
        st.builds(lambda a: {"properties": {"a": a}, "additionalProperties": False}, inner),
        st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
        st.builds(lambda a: {"dependentSchemas": {"a": a}}, inner),
    ),
    max_leaves=6,
)
SAMPLES: Values = [None, True, 0, 1, 2, "", "a", "b", "ab", [], [1], [1, 2], {}, {"a": 1}, {"a": "a"}]
SAMPLES += [{"b": 1}, {"a": 1, "b": 2}, {"a": "a", "b": None}, {"a": {"a": 1}}]


@settings(max_examples=150, deadline=None)
@given(SCHEMAS)
def test_whatever_a_grammar_can_write_is_valid_and_whatever_is_valid_it_can_write(schema: Any) -> None:
    try:
        structure = schema_structure(schema)
    except UsageError:
        return  # refused by name: nothing is generated

    for value in SAMPLES:
        written = any(structure.follows(text) for text in spellings(value))
        assert written == (structure.problem(json.dumps(value)) == ""), (schema, value)


def spellings(value: Any) -> list[str]:
    """The value as JSON, an object with its keys in every order: a grammar writes them in one of these."""
    if not isinstance(value, dict):
        return [json.dumps(value)]
    return [json.dumps(dict(pairs)) for pairs in itertools.permutations(value.items())]


def test_the_newest_draft_that_takes_a_schema_without_a_name_is_its_draft() -> None:
    newest = {"prefixItems": [{"type": "string"}], "items": False}
    older = {"items": [{"type": "string"}], "additionalItems": False}
    oldest = {"minimum": 3, "exclusiveMinimum": True}

    assert [draft_of(one).__name__ for one in (newest, older, oldest)] == [
        "Draft202012Validator",
        "Draft7Validator",
        "Draft4Validator",
    ]


def test_beside_a_reference_older_drafts_assert_nothing() -> None:
    schema = {"$ref": "#/definitions/s", "minLength": 5, "definitions": {"s": {"type": "string"}}}

    assert schema_structure({"$schema": "http://json-schema.org/draft-07/schema#"} | schema).follows('"a"')
    assert not schema_structure(schema).follows('"a"')


def test_a_schema_cannot_loosen_its_own_grammar() -> None:
    with pytest.raises(SchemaRefused, match="uniqueItems"):
        schema_structure({"uniqueItems": True, "x-guidance": {"lenient": True}})


def test_a_format_of_ones_own_asserts_nothing_and_is_named() -> None:
    structure = schema_structure({"type": "string", "format": "our-ticket"})

    assert structure.follows('"anything"')
    assert "our-ticket" in structure.notes[0]


def test_json_may_be_indented_but_not_padded_without_end() -> None:
    structure = schema_structure({"type": "object", "properties": {"a": {"type": "array"}}})

    assert structure.follows(json.dumps({"a": [1, [2, {"b": 3}]]}, indent=4))
    assert not structure.follows('{"a":' + " " * 200 + "[]}")
