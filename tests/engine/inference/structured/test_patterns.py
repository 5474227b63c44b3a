"""Patterns of schemas: what the grammar writes is what the judgement finds, in every dialect's corners."""

from __future__ import annotations

import json

import pytest

from engine.inference.structured.patterns import as_followed, searches
from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import schema_structure

TEXTS = [
    *(
        "",
        "a",
        "A",
        "b",
        "ab",
        "abc",
        "aa",
        "aaa",
        "a\n",
        "\na",
        "a.c",
        "a\nc",
        "1",
        "_",
        "-",
        "+",
        "--",
        "a-b",
    ),
    *("[", "]", "^", "~", "a&b", "a&&b", "x[y", "/", "a/b", "a b", "a@b", " ", "\t", "\\", '"', "${x}"),
    *("٣", "é", "É", "ß", "漢", "😀", "\xa0", "\u2028", "2026-11-28", "x:", 'say "no"', "back\\slash"),
]
FOLLOWED = [
    *(
        r"^[[]$",
        r"^[a[b]$",
        r"^[a&&b]$",
        r"^[&~]+$",
        r"^[a\-b]+$",
        r"^[^[]$",
        r"^[a[^b]$",
        r"^[]a]$",
    ),
    *(r'^[^"]$', r"^[^\\]$", r'^[^"\\]*$', r'^[^"]*$', r"^[^]]$", r"^[^]a]$", r"^[^\x00-\x1f]$", r"^[!-~]$"),
    *(
        r"^\w+$",
        r"^\W+$",
        r"^\d$",
        r"^\D+$",
        r"^\s$",
        r"^\S+$",
        r"^[\W_]+$",
        r"^[^\W]$",
        r"^[^\w]+$",
        r"^[^\d]+$",
    ),
    *(
        r"^\/$",
        r"^\u00e9$",
        r"^\x61$",
        r"^\p{Lu}+$",
        r"^\P{L}$",
        r"^\u{1F600}$",
        r"^[😀漢]$",
        r"^.{1,3}$",
        r"(?i)^a$",
    ),
    *(
        r"a",
        r"",
        r"^$",
        r"^a|b$",
        r"^(a|b)*$",
        r"a$|^b",
        r"^(?<x>a)$",
        r"^(?:a+)+$",
        r"^\$\{x\}$",
        r"^(\w+)-\w$",
    ),
]
REFUSED = [
    r"^(?=a)",
    r"(?<!a)b",
    r"^(a)\1$",
    r"\bab\b",
    r"$^",
    r"^[^]$",
    r"^[a",
    r"^a{,2}$",
    r"^\cJ$",
    r"^a\Z",
]


@pytest.mark.parametrize("pattern", FOLLOWED)
def test_what_the_grammar_writes_by_a_pattern_is_what_is_found(pattern: str) -> None:
    structure = schema_structure({"type": "string", "pattern": pattern})

    written = [text for text in TEXTS if structure.follows(json.dumps(text, ensure_ascii=False))]
    assert all(searches(pattern, text) for text in written)
    # the grammar may know fewer: ASCII letters for \\w, as ECMA-262 has it
    plain = [text for text in TEXTS if text.isascii() and text.isprintable() and searches(pattern, text)]
    assert set(plain) <= set(written)


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_cannot_be_followed_is_refused_by_its_name(pattern: str) -> None:
    with pytest.raises(SchemaRefused) as refusal:
        schema_structure({"type": "object", "properties": {"a": {"pattern": pattern}}})
    assert (refusal.value.keyword, refusal.value.place) == ("pattern", "#/properties/a/pattern")


@pytest.mark.parametrize("value", ['"', "\\", "\n", 'a"', 'say "no"', "tab\t", "é", "😀"])
def test_an_excluded_value_is_not_written_with_an_escape(value: str) -> None:
    structure = schema_structure({"type": "string", "not": {"enum": [value]}})

    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert not structure.follows(text)
    for other in ("", value + "x", "x" + value):
        assert structure.follows(json.dumps(other, ensure_ascii=False))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("^[a$]+$", ["a", "$a"], ["a\n", "a$\n"]),
        (r"^\$$|^b$", ["$", "b"], ["$\n", "b\n"]),
        (r"^[]$]$", ["]", "$"], ["]\n"]),
        (r"^[\]$]$", ["]", "$"], ["$\n"]),
        ("a(?:$|x)", ["a", "ax", "ba"], ["a\n"]),
    ],
)
def test_a_dollar_is_the_very_end_for_the_judgement_too(
    pattern: str, good: list[str], bad: list[str]
) -> None:
    assert all(searches(pattern, text) for text in good)
    assert not any(searches(pattern, text) for text in bad)


def test_a_class_without_a_negation_stays_as_it_is() -> None:
    assert as_followed(r"^[A-Z]{2}-\d{3}$") == r"^[A-Z]{2}-\d{3}$"
