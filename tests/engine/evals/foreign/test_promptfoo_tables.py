"""promptfoo's tables: columns of its own, and cells that are assertions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.evals.foreign.promptfoo.rows import assertion_of
from store.records.evals import Check
from tests.engine.evals.foreign.stage import left, taken


def test_a_table_of_tests_has_columns_of_promptfoos_own(tmp_path: Path) -> None:
    table = (
        "\ufeffq;__expected1;__expected2;__description;__metadata:tags[];__threshold;__prefix;__metric\n"
        '"What\nis it?";similar(0.7): x;contains-any: "a, b",c;My test;one,two\\,three;0.5;Please: ;tone\n'
        "Plain?;https: not a kind;;;;;;\n;;;;;;;\n"
    )
    imported = taken(tmp_path, {"c.yaml": "prompts: ['{{q}}']\ntests: t.csv\n", "t.csv": table})

    first, second = imported.cases
    assert (first.id, first.input, first.threshold) == ("my-test", "Please: What\nis it?", 0.5)
    assert first.metadata["tags"] == ["one", "two,three"]
    assert [(one.kind, one.name, one.threshold) for one in first.checks] == [
        ("similarity", "tone", 0.7),
        ("contains", "tone", None),
    ]
    assert first.checks[1].options == {"values": ["a, b", "c"], "all": False}
    assert second.checks == [Check("exact", options={"value": "https: not a kind"})]
    assert left(imported) == []


@pytest.mark.parametrize(
    ("cell", "assertion"),
    [
        ("icontains:bonjour", {"type": "icontains", "value": "bonjour"}),
        ("not-contains:a:b", {"type": "not-contains", "value": "a:b"}),
        ("similar(0.8):hello there", {"type": "similar", "value": "hello there", "threshold": 0.8}),
        ("llm-rubric:Is it: polite?", {"type": "llm-rubric", "value": "Is it: polite?"}),
        ("grade:Is it polite?", {"type": "llm-rubric", "value": "Is it polite?"}),
        ("javascript:file://own.ts", {"type": "javascript", "value": "file://own.ts"}),
        ("file://own.py", {"type": "javascript", "value": "file://own.py"}),
        ("trajectory:tool-used:search", {"type": "trajectory:tool-used", "value": "search"}),
        ("is-json", {"type": "is-json"}),
        ("note:this", {"type": "equals", "value": "note:this"}),
        ("Paris", {"type": "equals", "value": "Paris"}),
        ("positive", {"type": "equals", "value": "positive"}),
    ],
)
def test_a_cell_is_an_assertion_with_or_without_a_space_behind_its_name(
    cell: str, assertion: dict[str, Any]
) -> None:
    assert assertion_of(cell) == assertion
