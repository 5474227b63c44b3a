"""The judgement of whole answers: strict JSON, formats asserted, the public validator tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.inference.structured.validation import Checker

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
FETCHED = {"refRemote.json"}
"""Tests of schemas that lie elsewhere: nothing is fetched."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ("NaN", "no number"),
        ("{} {}", "not JSON"),
        ('{"a": 1', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON"),
    ],
)
def test_only_strict_json_is_valid(text: str, said: str) -> None:
    assert said in Checker(True).problem(text)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T10:00:00Z", "2023-02-30T10:00:00Z"),
        ("date-time", "2016-12-31T23:59:60Z", "2016-12-31T22:59:60Z"),
        ("time", "00:29:60.5+00:30", "00:29:60.5-00:30"),
        ("time", "22:59:60-01:00", "23:58:60z"),
        ("ipv6", "::1", "1::2::3"),
        ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
        ("relative-json-pointer", "1/a", "/a"),
        ("our-own", "anything", None),
    ],
)
def test_standard_formats_are_asserted_and_others_are_not(name: str, good: str, bad: str | None) -> None:
    checker = Checker({"format": name})

    assert checker.problem_of(good) == ""
    assert bad is None or checker.problem_of(bad)


def test_a_breach_is_said_with_its_place() -> None:
    said = Checker({"properties": {"a": {"items": {"type": "integer"}}}}).problem('{"a": [1, "x"]}')

    assert "['a'][1]" in said
    assert "'type'" in said


def test_a_part_that_names_its_draft_again_is_judged_like_the_rest() -> None:
    cent = {"multipleOf": 0.01}
    parts = {"n": cent, "again": {"$ref": "#"}, "own": {"$schema": DRAFT_7, **cent}}
    checker = Checker({"$schema": DRAFT_7, "properties": parts})

    assert checker.problem_of({"again": {"n": 19.99}, "own": 19.99}) == ""
    assert checker.problem_of({"again": {"again": {"n": 19.995}}})


def suite() -> list[Any]:
    beside = Path(__file__).resolve().parents[5] / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA") or beside) / "instruct/json_schema_draft7/draft7"
    if not folder.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no validator tests at {folder}"))]
    return [
        pytest.param(group, id=f"{path.stem}-{at}")
        for path in sorted(folder.glob("*.json"))
        if path.name not in FETCHED
        for at, group in enumerate(json.loads(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("group", suite())
def test_the_public_tests_of_draft_7_are_judged_as_they_say(group: dict[str, Any]) -> None:
    schema = group["schema"]
    if isinstance(schema, dict):
        schema = {"$schema": DRAFT_7} | schema
    checker = Checker(schema)

    for case in group["tests"]:
        assert (checker.problem_of(case["data"]) == "") == case["valid"], case["description"]


@pytest.mark.parametrize(
    ("step", "good", "bad"),
    [
        (0.01, [19.99, 0.07, 1e22, -3], [19.995]),
        (0.1, [0.3, 1.1], [0.35]),
        (3, [9, 0, 3e20], [10, 1.5]),
        (1e-9, [1], [1e-10]),
    ],
)
def test_multiples_are_counted_in_decimals(step: float, good: list[float], bad: list[float]) -> None:
    checker = Checker({"multipleOf": step})

    assert [checker.problem_of(value) for value in good] == [""] * len(good)
    assert all(checker.problem_of(value) for value in bad)
