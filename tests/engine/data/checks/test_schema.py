"""JSON answers against a declared schema, and against each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.data.checks.schema import agreement, scans
from store.errors import UsageError
from store.records.findings import CheckSettings, Finding
from tests.engine.data.checks.stage import basis_of, chat, lines, scanned

SCHEMA = json.dumps(
    {"type": "object", "properties": {"intent": {"enum": ["lost", "fee"]}}, "required": ["intent"]}
)
GOOD = [{"intent": "lost", "urgent": n % 2 == 0} for n in range(30)]


def agreed(*values: Any) -> dict[str, Finding]:
    answers = [value if isinstance(value, str) else json.dumps(value) for value in values]
    rows = [chat(f"question {n}", answer) for n, answer in enumerate(answers)]
    return {finding.id: finding for finding in agreement(basis_of(rows))}


def test_answers_are_judged_by_the_declared_schema() -> None:
    scan = scans(CheckSettings(schema=SCHEMA))
    answers = ['{"intent": "lost"}', '{"intent": "other"}', "lost", '```json\n{"intent": "fee"}\n```']
    found = scanned(scan, [chat("q", answer) for answer in answers])
    assert lines(found["schema/invalid"]) == [2]
    assert lines(found["schema/not_json"]) == [3, 4]
    assert "$.intent" in found["schema/invalid"].notes["r2"]


def test_the_draft_is_the_one_that_the_schema_names() -> None:
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "number", "maximum": 3}
    exclusive = json.dumps(draft4 | {"exclusiveMaximum": True})
    found = scanned(scans(CheckSettings(schema=exclusive)), [chat("q", "2"), chat("q", "3")])
    assert lines(found["schema/invalid"]) == [2]


@pytest.mark.parametrize("schema", ["{", '{"type": "objekt"}', "[1]"])
def test_what_is_no_schema_is_refused(schema: str) -> None:
    with pytest.raises(UsageError, match="JSON Schema"):
        scans(CheckSettings(schema=schema))


def test_without_a_schema_nothing_is_judged_row_by_row() -> None:
    assert scanned(scans(CheckSettings()), [chat("q", "anything")]) == {}


def test_answers_that_do_not_parse_among_json_are_found() -> None:
    found = agreed(*GOOD, '{"intent": "lost"', "I do not know.", '{"intent": 1, "intent": 2}')
    assert lines(found["schema/not_json"]) == [31, 32, 33]


def test_prose_with_a_few_json_answers_is_left_alone() -> None:
    assert agreed(*[f"Answer number {n}." for n in range(30)], *GOOD[:4]) == {}


def test_a_key_under_another_name_is_found() -> None:
    found = agreed(*GOOD, {"label": "lost", "urgent": True})
    assert found["schema/keys"].notes == {"r31": "lacks 'intent' and has 'label'"}


def test_two_names_for_one_key_are_found_however_often_each_is_used() -> None:
    found = agreed(*GOOD, *[{"label": "lost", "urgent": True}] * 20)
    assert found["schema/keys"].count == 20


def test_a_missing_key_and_a_rare_one_are_found_and_an_optional_one_is_not() -> None:
    assert agreed(*GOOD, {"intent": "fee"})["schema/keys"].notes == {"r31": "lacks 'urgent'"}
    assert agreed(*GOOD, GOOD[0] | {"extra": 1})["schema/keys"].notes == {"r31": "has 'extra'"}
    optional = [GOOD[0] | ({"comment": "x"} if n % 3 else {}) for n in range(30)]
    assert agreed(*optional) == {}


def test_values_of_another_type_are_found_and_null_is_not() -> None:
    found = agreed(*GOOD, {"intent": ["lost"], "urgent": None}, {"intent": "fee", "urgent": "yes"})
    assert found["schema/types"].notes == {
        "r31": "$.intent is array, elsewhere string",
        "r32": "$.urgent is string, elsewhere boolean",
    }


def test_integers_and_fractions_are_one_type() -> None:
    assert agreed(*[{"price": 1 if n % 2 else 1.5} for n in range(30)]) == {}


def test_objects_inside_lists_are_compared_too() -> None:
    rows: list[Any] = [{"items": [{"name": "a", "count": 1}, {"name": "b", "count": 2}]} for _ in range(30)]
    found = agreed(*rows, {"items": [{"name": "a", "cuont": 1}]})
    assert found["schema/keys"].notes == {"r31": "at $.items[]: lacks 'count' and has 'cuont'"}


def test_answers_that_have_a_form_each_are_no_fault() -> None:
    rows: list[Any] = [{f"key{n}": 1, f"other{n}": {"a": n}} for n in range(40)]
    assert agreed(*rows, *[{"answer": n, f"more{n}": ""} for n in range(12)]) == {}
