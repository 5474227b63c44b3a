"""JSON answers: against a schema, and field by field. Schemas that never end are bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import FormatChecker

from engine.evals.checks import Bench, patterns, validating
from engine.inference.structured import validation
from engine.inference.structured.patterns import TooSlow
from tests.engine.evals.checks.stage import judged

SCHEMA = {"type": "object", "required": ["intent"], "properties": {"intent": {"enum": ["refund", "lost"]}}}


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ('{"intent": "lost"}', ""),
        ('{"intent": "found"}', "$.intent: 'found' is not one of ['refund', 'lost']"),
        ("{}", "$: 'intent' is a required property"),
        ('Sure: {"intent": "lost"}', "not JSON: Expecting value at character 1"),
        ('{"intent": "lost"} Bye', "not JSON: Extra data at character 20"),
        ('{"intent": "lost", "intent": "refund"}', "the key 'intent' stands twice in one object"),
        ('{"intent": NaN}', "NaN is not JSON"),
    ],
)
def test_json_schema_wants_json_that_the_schema_accepts(answer: str, detail: str) -> None:
    result = judged("json_schema", answer, schema=SCHEMA)

    assert (result.passed, result.detail) == (not detail, detail)


@pytest.mark.parametrize(
    ("schema", "answer", "passed"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, "[1]", False),
        (
            {"items": [{"type": "string"}], "$schema": "http://json-schema.org/draft-07/schema#"},
            '["a", 1]',
            True,
        ),
        ({"prefixItems": [{"type": "string"}]}, "[1]", False),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, '{"b": 1}', False),
        ({"multipleOf": 0.01}, "19.99", True),
        ({"multipleOf": 0.01}, "19.995", False),
        ({"pattern": "^a$"}, '"a\\n"', False),
        ({"pattern": "^\\d+$"}, '"٣"', False),
        ({"pattern": "^\\p{L}+$"}, '"né"', True),
        ({"pattern": "^[$]\\d$"}, '"$5"', True),
        ({"format": "date"}, '"2024-02-30"', False),
        ({"format": "date"}, '"2024-02-29"', True),
        ({"format": "email"}, '"nobody"', False),
        ({"patternProperties": {"^a": {}}, "additionalProperties": {"type": "integer"}}, '{"b": "x"}', False),
        (True, "1", True),
        (False, "1", False),
    ],
)
def test_both_drafts_formats_patterns_and_multiples_are_judged_as_written(
    schema: Any, answer: str, passed: bool
) -> None:
    assert judged("json_schema", answer, schema=schema).passed is passed


def test_formats_are_only_noted_where_that_is_told() -> None:
    assert judged("json_schema", '"nobody"', schema={"format": "email"}, formats=False).passed


def test_a_format_that_is_not_told_in_time_is_an_error_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(value: object) -> bool:
        raise TooSlow("a pattern")

    checker = FormatChecker(formats=())
    checker.checks("email")(slow)
    monkeypatch.setattr(validation, "FORMATS", checker)

    assert "not told in time" in judged("json_schema", '"a@b.c"', schema={"format": "email"}).error


def test_every_test_of_draft_7_without_other_documents_is_judged_as_it_says(shared_data: Path) -> None:
    judged_right = 0
    for file in sorted((shared_data / "instruct/json_schema_draft7/draft7").glob("*.json")):
        if file.name == "refRemote.json":
            continue
        for group in json.loads(file.read_text()):
            schema = group["schema"]
            if isinstance(schema, dict) and "$ref" not in schema:
                schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
            validate = validating.validator_of(schema)
            for test in group["tests"]:
                assert (validate(test["data"]) == "") is test["valid"], (file.name, test["description"])
                judged_right += 1
    assert judged_right > 800


def test_a_schema_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "intent.json").write_text('{"type": "string"}')

    assert judged("json_schema", '"a"', schema="intent.json", bench=Bench([tmp_path])).passed
    with pytest.raises(ValueError, match=r"none\.json: there is no such file"):
        judged("json_schema", "", schema="none.json", bench=Bench([tmp_path]))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("", "json_schema needs `schema`"),
        ({"type": "text"}, "is not a JSON Schema: .*'text'"),
        ({"$ref": "https://example.invalid/other.json"}, "leads out of the file"),
        ({"$ref": "other.json"}, "leads out of the file"),
        ({"$ref": "#/$defs/none"}, "leads to nothing in the file"),
        ({"pattern": "(a"}, "is not a 'regex'"),
        ({"pattern": "(a{1000}){1000}"}, "is not a 'regex'"),
        ({"patternProperties": {"^(a|aa)+$": {}}, "unevaluatedProperties": False}, "repeats what repeats"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_the_reason(schema: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        judged("json_schema", "", schema=schema)


def doubling(levels: int) -> dict[str, Any]:
    """References that double at each level: 2 ** levels leaves."""
    steps = {
        f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]}
        for n in range(levels)
    }
    return {"$ref": "#/$defs/s0", "$defs": {**steps, f"s{levels}": {"type": "string"}}}


def test_a_schema_that_branches_without_end_is_an_error_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "SECONDS", 0.1)

    assert "branches too often" in judged("json_schema", "1", schema=doubling(60)).error
    assert judged("json_schema", '"a"', schema=doubling(3)).passed


def test_a_reference_in_a_circle_is_an_error_of_the_case() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}

    assert "the schema cannot be applied" in judged("json_schema", "1", schema=schema).error


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_a_pattern_in_a_schema_that_backtracks_is_an_error_of_the_case(
    monkeypatch: pytest.MonkeyPatch, keyword: str
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    slow, text = "(a|aa)+$", "a" * 60 + "b"
    schema: dict[str, Any] = {"pattern": slow} if keyword == "pattern" else {"patternProperties": {slow: {}}}
    answer = f'"{text}"' if keyword == "pattern" else f'{{"{text}": 1}}'

    assert "did not finish" in judged("json_schema", answer, schema=schema).error


def test_patterns_in_schemas_still_judge() -> None:
    schema = {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False}

    assert judged("json_schema", '{"ab": 1}', schema=schema).passed
    assert not judged("json_schema", '{"ab": "x"}', schema=schema).passed
    assert not judged("json_schema", '{"b": 1}', schema=schema).passed
    assert not judged("json_schema", '"b"', schema={"pattern": "^a"}).passed


def test_a_huge_enum_is_applied() -> None:
    schema = {"enum": [f"v{n}" for n in range(50_000)]}

    assert judged("json_schema", '"v49999"', schema=schema).passed
    assert not judged("json_schema", '"w"', schema=schema).passed


def test_json_fields_scores_the_share_that_is_equal_and_names_the_others() -> None:
    result = judged("json_fields", '{"a": 1, "b": {"c": "X"}}', '{"a": 1, "b": {"c": "x"}, "d": 2}')

    assert result.score == pytest.approx(1 / 3)
    assert result.detail == 'differs in b: {"c":"X"}; d: missing'


@pytest.mark.parametrize(
    ("options", "score"),
    [
        ({"fields": ["b.c"]}, 0.0),
        ({"fields": ["b.c"], "ignore_case": True}, 1.0),
        ({"fields": ["a"], "tolerance": 0.2}, 1.0),
        ({"fields": ["a"], "tolerance": 0.1}, 1.0),
        ({"fields": ["a"], "tolerance": 0.09}, 0.0),
        ({"ignore": ["a", "b", "r"]}, 1.0),
        ({"fields": ["l.1"]}, 1.0),
        ({"fields": ["r"]}, 0.0),
        ({"fields": ["r"], "unordered": True}, 1.0),
    ],
)
def test_fields_are_paths_and_may_differ_as_told(options: dict[str, Any], score: float) -> None:
    answer = '{"a": 1.1, "b": {"c": "X"}, "l": [0, 5], "r": [{"x": [1, 2]}, 3, 3]}'
    right = '{"a": 1, "b": {"c": "x"}, "l": [0, 5], "r": [3, {"x": [2, 1]}, 3]}'

    assert judged("json_fields", answer, right, **options).score == score


def test_an_expected_answer_without_fields_is_an_error_of_the_case() -> None:
    assert "no fields" in judged("json_fields", "{}", "[]").error
    assert "the expected answer is not JSON" in judged("json_fields", "{}", "text").error


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        ('Sure: {"intent": "lost"}. Bye', True),
        ('[1] is no intent, {"intent": "refund"} is one', True),
        ('{"intent": "found"} and {', False),
        ("no JSON at all", False),
        ("[" * 100_000, False),
    ],
)
def test_json_may_stand_within_other_text_where_the_check_says_so(answer: str, passes: bool) -> None:
    assert judged("json_schema", answer, schema=SCHEMA, within=True).passed == passes


@pytest.mark.parametrize(
    ("answer", "options", "score"),
    [
        ('[{"a": 1}, 2]', {}, 1.0),
        ('[{"a": 1}, 2, 3]', {}, 2 / 3),
        ('[{"a": 1}]', {}, 0.5),
        ('[2, {"a": 1}]', {}, 0.0),
        ('[2, {"a": 1}]', {"unordered": True}, 1.0),
        ("[3, 2]", {"unordered": True}, 0.5),
        ('[3, 2, {"a": 1}]', {"unordered": True}, 2 / 3),
        ('{"a": 1}', {}, 0.0),
        ('[{"a": 1}, 5]', {"fields": ["[0].a"]}, 1.0),
    ],
)
def test_the_fields_of_a_list_are_its_items(answer: str, options: dict[str, Any], score: float) -> None:
    assert judged("json_fields", answer, '[{"a": 1}, 2]', **options).score == pytest.approx(score)


def test_texts_without_case_are_so_at_any_depth() -> None:
    answer, right = '{"a": {"b": ["X "]}}', '{"a": {"b": ["x"]}}'

    assert judged("json_fields", answer, right, ignore_case=True).passed
    assert not judged("json_fields", answer, right).passed


def test_a_key_with_a_dot_in_it_is_compared() -> None:
    assert not judged("json_fields", '{"a.b": 1}', '{"a.b": 2}').passed
    assert judged("json_fields", '{"a.b": 2}', '{"a.b": 2}').passed


def test_fields_that_the_expected_answer_has_none_of_are_no_pass() -> None:
    result = judged("json_fields", '{"intent": "x"}', '{"intent": "y"}', fields=["intnet"])

    assert result.error == "the expected answer has none of the fields intnet"
