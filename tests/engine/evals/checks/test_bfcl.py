"""Tool calls by BFCL's rules: its gold calls all pass, every planted fault fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.evals.checks.bfcl import wrong_call, wrong_calls
from engine.evals.checks.bfcl_values import Language, read
from engine.evals.checks.calls import Call, calls_in
from scripts.real_runs import scorers
from store.records.evals import Case, ExpectedCall
from tests.engine.evals.checks.stage_calls import call_check

TOOL = {
    "name": "book",
    "parameters": {
        "type": "dict",
        "required": ["city", "nights"],
        "properties": {
            "city": {"type": "string"},
            "nights": {"type": "integer"},
            "price": {"type": "float"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "guest": {"type": "dict"},
            "breakfast": {"type": "boolean"},
            "rooms": {"type": "array", "items": {"type": "dict"}},
        },
    },
}
ACCEPTS: dict[str, list[Any]] = {
    "city": ["New York", "NYC"],
    "nights": [2],
    "price": [100.0, ""],
    "tags": [["sea-side", "quiet"], ""],
    "guest": [{"name": ["Ann"], "age": [30, ""]}, ""],
    "breakfast": [True, ""],
    "rooms": [[{"beds": [1]}, {"beds": [2]}], ""],
}
GOOD = {"city": "new york", "nights": 2}


def fault(arguments: dict[str, Any], name: str = "book") -> str:
    """The kind of fault of a call; empty where it is right."""
    return wrong_call((name, arguments), ExpectedCall("book", accepts=ACCEPTS), [TOOL]).partition(":")[0]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"city": "N.Y.C"},
        {"price": 100},
        {"price": 100.0},
        {"tags": ["SEASIDE", "quiet"]},
        {"tags": []},
        {"guest": {"name": "ann"}},
        {"guest": {"name": "Ann", "age": 30}},
        {"breakfast": True},
        {"rooms": [{"beds": 1}, {"beds": 2}]},
    ],
)
def test_what_the_leaderboard_accepts_passes(more: dict[str, Any]) -> None:
    assert fault({**GOOD, **more}) == ""


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"city": "Boston"}, "wrong value"),
        ({"city": 5}, "wrong type"),
        ({"nights": 2.0}, "wrong type"),
        ({"nights": True}, "wrong type"),
        ({"nights": "2"}, "wrong type"),
        ({"price": 99}, "wrong value"),
        ({"price": "100"}, "wrong type"),
        ({"tags": ["quiet", "sea-side"]}, "wrong value"),
        ({"tags": [1, 2]}, "wrong value"),
        ({"tags": "sea-side"}, "wrong type"),
        ({"guest": {"age": 30}}, "missing argument"),
        ({"guest": {"name": "Ann", "pet": "cat"}}, "unexpected argument"),
        ({"guest": {"name": "Bob"}}, "wrong value"),
        ({"breakfast": False}, "wrong value"),
        ({"breakfast": 1}, "wrong type"),
        ({"rooms": [{"beds": 1}]}, "wrong value"),
        ({"rooms": [{"beds": 2}, {"beds": 1}]}, "wrong value"),
        ({"view": "sea"}, "unexpected argument"),
    ],
)
def test_every_kind_of_fault_is_named(more: dict[str, Any], kind: str) -> None:
    assert fault({**GOOD, **more}) == kind


def test_a_missing_argument_and_another_function_are_named() -> None:
    assert fault({"city": "NYC"}) == "missing argument"
    assert fault(GOOD, "book_room") == "wrong function"


def test_a_variable_in_place_of_a_value_is_compared_as_it_stands() -> None:
    accepts = {"city": ["NYC"], "nights": ["night_count"]}
    expected = ExpectedCall("book", accepts=accepts)

    assert wrong_call(("book", {"city": "NYC", "nights": "night_count"}), expected, [TOOL]) == ""
    assert wrong_call(("book", {"city": "NYC", "nights": "NIGHT count"}), expected, [TOOL]).startswith(
        "wrong v"
    )


def test_plain_arguments_must_be_equal_without_any_description() -> None:
    expected = ExpectedCall("book", {"city": "NYC", "guest": {"name": "Ann"}, "nights": 2})

    assert wrong_call(("book", {"city": "nyc", "guest": {"name": "Ann"}, "nights": 2}), expected, []) == ""
    assert "wrong type" in wrong_call(
        ("book", {"city": "NYC", "guest": {"name": "Ann"}, "nights": "2"}), expected, []
    )


def test_several_calls_are_matched_in_any_order_each_once() -> None:
    right = [ExpectedCall("f", {"a": 1}), ExpectedCall("f", {"a": 2})]

    assert wrong_calls([("f", {"a": 2}), ("f", {"a": 1})], right, []) == ""
    assert "no call fits f" in wrong_calls([("f", {"a": 3}), ("f", {"a": 4})], right, [])
    assert wrong_calls([("f", {"a": 1}), ("f", {"a": 1})], right, []).startswith("wrong value")
    assert wrong_calls([("f", {"a": 1})], right, []) == "wrong count: 1 calls, expected 2"


def test_gold_calls_of_bfcl_pass_and_every_planted_fault_fails(shared_data: Path) -> None:
    check = call_check()
    count = faults = 0
    for case, call in scorers.questions(shared_data / "instruct" / "bfcl"):
        for text in (scorers.as_json([call]), scorers.as_python([call])):
            assert check.result(text, case).passed, case.id
        count += 1
        for what, calls in scorers.planted(case, call):
            assert not check.result(scorers.as_json(calls), case).passed, (case.id, what)
            faults += 1
    assert count == 600
    assert faults > 16_000


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "f", "arguments": {"a": 1}}', [("f", {"a": 1})]),
        (
            '[{"name": "f", "parameters": {"a": 1}}, {"name": "g", "arguments": "{}"}]',
            [("f", {"a": 1}), ("g", {})],
        ),
        ('{"function": {"name": "f", "arguments": "{\\"a\\": 1}"}}', [("f", {"a": 1})]),
        ('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', [("f", {})]),
        (
            '[f(a=1, b="x", c=[1, {"d": None}]), m.g()]',
            [("f", {"a": 1, "b": "x", "c": [1, {"d": None}]}), ("m.g", {})],
        ),
        ("f(a=-1, b=True)", [("f", {"a": -1, "b": True})]),
        (
            "f(a=2*3/4, b=-(1+1), c=[x, 1/2], d=1/0)",
            [("f", {"a": 1.5, "b": -2, "c": ["x", 0.5], "d": "1 / 0"})],
        ),
        (
            "f(a=(1, y), b=true, c=g(1), d=..., e=1j)",
            [("f", {"a": (1, "y"), "b": "true", "c": "g(1)", "d": "...", "e": "1j"})],
        ),
        ('```json\n{"name": "f", "arguments": {}}\n```', [("f", {})]),
        ('{"f": {"a": 1}}', [("f", {"a": 1})]),
        ("I would call f(x) here.", []),
        ("Hello!", []),
        ('{"intent": "lost"}', []),
    ],
)
def test_calls_are_read_the_ways_that_models_write_them(text: str, calls: list[Call]) -> None:
    assert calls_in(text) == calls


LITERALS = [
    ("java", "integer", "", "5", 5),
    ("java", "integer", "", "5L", "5L"),
    ("java", "long", "", "10L", 10),
    ("java", "float", "", "3.5f", 3.5),
    ("java", "float", "", "3.5", "3.5"),
    ("java", "double", "", "1e3", 1000.0),
    ("java", "boolean", "", "true", True),
    ("java", "char", "", "'a'", "'a'"),
    ("java", "any", "", "5", "5"),
    ("java", "Array", "integer", "new int[]{1, 2}", [1, 2]),
    ("java", "Array", "long", "new long[]{1L, 2}", [1, "2"]),
    ("java", "Array", "", 'new Object[] {1, "a", true}', [1, "a", True]),
    ("java", "ArrayList", "String", 'new ArrayList<>(Arrays.asList("a", "b, c"))', ["a", "b, c"]),
    ("java", "ArrayList", "double", "new ArrayList<Double>() {{ add(1.0); add(2.5); }}", [1.0, 2.5]),
    ("java", "ArrayList", "", "new ArrayList<>()", []),
    ("java", "ArrayList", "", "someList", "someList"),
    ("java", "HashMap", "", 'new HashMap<>() {{ put("k", "v"); put("n", 3L); }}', {"k": "v", "n": 3}),
    ("java", "HashMap", "", "new HashMap<>()", {}),
    ("javascript", "String", "", "'a b'", "a b"),
    ("javascript", "integer", "", "5.0", "5.0"),
    ("javascript", "Bigint", "", "10n", 10),
    ("javascript", "float", "", "3.5", 3.5),
    ("javascript", "Boolean", "", "false", False),
    ("javascript", "array", "String", '["a", "b, c"]', ["a", "b, c"]),
    ("javascript", "array", "array", "[[1, 2], [3]]", [[1, 2], [3]]),
    ("javascript", "array", "", "new Array(1, 'two', true)", [1, "two", True]),
    ("javascript", "dict", "", "{'k': 1, name: \"v w\", l: [1, 'x'], o: {p: true}}", {
        "k": 1, "name": "v w", "l": [1, "x"], "o": {"p": True}
    }),
    ("javascript", "dict", "", "{}", {}),
    ("javascript", "dict", "", "options", "options"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "stated", "inner", "text", "value"), LITERALS)
def test_literals_of_java_and_javascript_are_read_by_the_stated_type(
    language: Language, stated: str, inner: str, text: str, value: Any
) -> None:
    found = read(text, stated, inner, language)

    assert (found, type(found)) == (value, type(value))


def test_calls_of_java_and_javascript_are_compared_by_their_values() -> None:
    java = {"name": "Shop.buy", "parameters": {"required": ["n"], "properties": {
        "n": {"type": "long"}, "tags": {"type": "ArrayList", "items": {"type": "String"}},
        "price": {"type": "double"},
    }}}  # fmt: skip
    accepts: dict[str, list[Any]] = {"n": [10], "tags": [["a", "b"], ""], "price": [2.0, ""]}
    case = Case("c", "?", tools=[java], expected_tool_calls=[ExpectedCall("Shop.buy", accepts=accepts)])
    tags = 'new ArrayList<String>(Arrays.asList("a", "b"))'

    def passes(text: str) -> bool:
        return call_check(language="java").result(text, case).passed

    assert passes(f"Shop.buy(n=10L, tags={tags}, price=2.0)")
    assert passes(f"[Shop.buy(n=10L, tags={tags})]")
    assert passes(json.dumps({"name": "Shop.buy", "arguments": {"n": "10L", "tags": tags}}))
    assert not passes("Shop.buy(n=10)")  # an int, no long
    assert not passes(json.dumps({"name": "Shop.buy", "arguments": {"n": 10}}))  # no source text
    assert not passes('Shop.buy(n=10L, tags=new ArrayList<String>(Arrays.asList("b")))')
    assert not passes("Shop.buy(10L)")


def test_equal_values_of_other_types_are_told_apart_when_calls_are_matched() -> None:
    flag = {"name": "f", "parameters": {"properties": {"a": {"type": "boolean"}}}}
    right = [ExpectedCall("f", accepts={"a": [True]}), ExpectedCall("f", accepts={"a": [True, False]})]

    # To Python f(1) and f(True) are equal: the call that was matched must be taken away, no other.
    assert "wrong type" in wrong_calls([("f", {"a": 1}), ("f", {"a": True})], right, [flag])


def test_a_tuple_is_no_array() -> None:
    tool = {"name": "f", "parameters": {"properties": {
        "a": {"type": "array", "items": {"type": "integer"}},
        "t": {"type": "tuple", "items": {"type": "integer"}},
    }}}  # fmt: skip
    expected = ExpectedCall("f", accepts={"a": [[1, 2], ""], "t": [[1, 2], ""]})

    assert wrong_call(("f", {"t": (1, 2)}), expected, [tool]) == ""
    assert "wrong type" in wrong_call(("f", {"a": (1, 2)}), expected, [tool])


@pytest.mark.parametrize(
    "text",
    ['<tool_call>{"name": "f"', '[{"name": "f"}, 5]', "[f(a=1), 3]", '{"name": "f", "arguments": [1]}'],
)
def test_a_call_that_is_begun_and_cannot_be_read_is_no_call(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|call|object"):
        calls_in(text)
    case = Case("c", "?", expected_tool_calls=[])
    assert call_check().result(text, case).detail.startswith("not parsed")


def test_a_case_that_expects_no_call_passes_where_none_is_made() -> None:
    case = Case("c", "?", expected_tool_calls=[])

    assert call_check().result("I cannot do that.", case).passed
    assert not call_check().result("[f(a=1)]", case).passed


def test_order_and_further_calls_count_as_told() -> None:
    right = [ExpectedCall("f", {"a": 1}), ExpectedCall("g", {"a": 2})]
    case = Case("c", "?", expected_tool_calls=right)

    assert call_check().result("[g(a=2), f(a=1)]", case).passed
    assert not call_check(ordered=True).result("[g(a=2), f(a=1)]", case).passed
    assert call_check(ordered=True).result("[f(a=1), g(a=2)]", case).passed
    assert not call_check().result("[f(a=1), look(), g(a=2)]", case).passed
    assert call_check(extra=True).result("[f(a=1), look(), g(a=2)]", case).passed
