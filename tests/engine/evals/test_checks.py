"""One answer against one check: what passes, what fails with which reason, which checks are refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.evals import checks
from engine.evals.checks import compile_checks, same_json
from store.errors import TemperError
from store.records.evals import Case, Check, CheckResult

SCHEMA = {"type": "object", "required": ["intent"], "properties": {"intent": {"enum": ["refund", "lost"]}}}


def judged(check: Check, answer: str, expected: str | None = None, schema: Any = SCHEMA) -> CheckResult:
    [compiled] = compile_checks([check], {"intent.json": schema})
    return compiled.result(answer, Case("c1", "?", expected=expected))


@pytest.mark.parametrize(
    ("answer", "expected", "passed"),
    [
        ("lost", "lost", True),
        ("  lost\n", "lost", True),
        ("Lost", "lost", False),
        ("lost card", "lost", False),
        ('{"b": [1, 2], "a": true}', '{"a": true, "b": [1.0, 2]}', True),
        ('{"a": true}', '{"a": 1}', False),
        ('{"b": [2, 1]}', '{"b": [1, 2]}', False),
        ('{"a": 1, "b": 2}', '{"a": 1}', False),
        ('{"a": 1, "a": 1}', '{"a": 1}', False),
        ("1.0", "1", False),
        pytest.param("[" * 5000 + "]" * 5000, "[]", False, id="deep"),
    ],
)
def test_exact_wants_the_same_text_or_the_same_json_object(answer: str, expected: str, passed: bool) -> None:
    assert judged(Check("exact"), answer, expected).passed is passed


def test_an_exact_check_that_fails_says_what_was_expected() -> None:
    result = judged(Check("exact"), "lost", "refund")

    assert (result.score, result.detail) == (0.0, "expected 'refund'")


def test_a_value_of_its_own_goes_before_what_the_case_expects() -> None:
    assert judged(Check("exact", value="lost"), "lost", "refund").passed
    assert not judged(Check("contains", value="lost"), "a refund", "refund").passed


def test_contains_finds_the_text_letter_by_letter() -> None:
    assert judged(Check("contains", value="24 h"), "within 24 hours").passed
    assert judged(Check("contains", value="24 H"), "within 24 hours").detail == "does not contain '24 H'"


def test_regex_is_found_anywhere_unless_it_is_anchored() -> None:
    assert judged(Check("regex", value=r"\d+ days"), "in 14 days or so").passed
    assert judged(Check("regex", value=r"^\d+ days$"), "in 14 days or so").detail.startswith("no match of")


def test_a_pattern_that_takes_too_long_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REGEX_SECONDS", 0.05)

    with pytest.raises(TemperError, match="A pattern takes too long") as caught:
        judged(Check("regex", value="(a|aa)+$"), "a" * 60 + "b")

    assert "'(a|aa)+$'" in caught.value.happened
    assert "case c1" in caught.value.happened


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
    result = judged(Check("json_schema", schema="intent.json"), answer)

    assert (result.passed, result.detail) == (not detail, detail)


def test_a_schema_that_leads_elsewhere_is_never_fetched() -> None:
    schema = {"$ref": "https://example.invalid/other.json"}

    with pytest.raises(TemperError, match="A schema cannot be applied"):
        judged(Check("json_schema", schema="intent.json"), "{}", schema=schema)


@pytest.mark.parametrize(
    ("check", "schema", "reason"),
    [
        (Check("regex"), {}, "regex needs `value`"),
        (Check("regex", value="(a"), {}, r"'\(a' is not a pattern"),
        (Check("json_schema"), {}, "json_schema needs `schema`"),
        (Check("json_schema", schema="intent.json"), {"type": "text"}, "is not a JSON Schema: .*'text'"),
    ],
)
def test_a_check_that_cannot_work_is_refused_with_the_reason(check: Check, schema: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        judged(check, "", schema=schema)


def test_checks_of_one_kind_are_told_apart_by_number() -> None:
    asked = [Check("contains", value="a"), Check("exact", value="a"), Check("contains", value="b")]

    assert [check.name for check in compile_checks(asked, {})] == ["contains", "exact", "contains-2"]


@pytest.mark.parametrize(
    ("left", "right", "same"), [(1, 1.0, True), (True, 1, False), (None, False, False), ([1], [1, 2], False)]
)
def test_json_values_are_the_same_as_in_json_schema(left: Any, right: Any, same: bool) -> None:
    assert same_json(left, right) is same
