"""A row of a table as a test: promptfoo's columns __expected, __description and their kin."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import Any

from engine.evals.foreign.files import is_code, is_reference

EXPECTED = "__expected"
_TYPED = re.compile(r"^((?:not-)?(?:trajectory:)?[a-z][a-z-]*[a-z])(?:\((\d+(?:\.\d+)?)\))?(?::([\s\S]*))?$")
_SHORT = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}
LISTS = ("contains-any", "contains-all", "icontains-any", "icontains-all")
"""Assertions whose value is a list, or a text that commas part."""
_BARE = ("is-json", "contains-json", "is-refusal", "is-sql", "is-xml", "is-html", "latency", "cost")
"""Assertions that may stand without a value."""


def test_of_row(row: Mapping[str, str]) -> dict[str, Any]:
    """The test that a row is; columns without a name of promptfoo's own are variables."""
    given: dict[str, Any] = {}
    test: dict[str, Any] = {"vars": given, "assert": [], "options": {}, "metadata": {}}
    configs: dict[str, dict[str, str]] = {}
    numbers: list[str] = []
    for column, value in row.items():
        if column.startswith("__config:"):
            _, which, key = [*column.split(":", 2), "", ""][:3]
            configs.setdefault(which, {})[key] = value
        elif column.startswith(EXPECTED):
            if value.strip():
                test["assert"].append(assertion_of(value.strip()))
                numbers.append(column)
        elif column.startswith("__metadata:"):
            _put_metadata(test["metadata"], column.partition(":")[2], value)
        elif column in ("__prefix", "__suffix"):
            test["options"][column[2:]] = value
        elif column == "__description":
            test["description"] = value
        elif column.startswith("__") and not value.strip():
            continue
        elif column == "__threshold":
            test["threshold"] = number(value)
        elif column == "__metric":
            test["metric"] = value
        elif column.startswith("__"):
            test[column] = value  # said of the case: nobody knows this column
        elif column:
            given[column] = value
    metric = test.pop("metric", "")
    for assertion, column in zip(test["assert"], numbers, strict=True):
        if metric:
            assertion["metric"] = metric
        for which in (EXPECTED, column):
            for key, value in configs.get(which, {}).items():
                if value.strip():
                    assertion[key] = number(value)
    return {key: value for key, value in test.items() if value not in ({}, [])}


def assertion_of(text: str) -> dict[str, Any]:
    """The assertion that a cell is: `kind(threshold): value`, or a file of code; without a kind, equality."""
    if is_reference(text) and is_code(text):
        return {"type": "javascript", "value": text}
    found = _TYPED.match(text)
    if found is None:
        return {"type": "equals", "value": text}
    named, bound, value = found[1], found[2], found[3]
    kind = _SHORT.get(named, named)
    if value is None and kind.removeprefix("not-") not in _BARE:
        return {"type": "equals", "value": text}
    if value is not None and not _is_kind(kind):
        return {"type": "equals", "value": text}  # a text with a colon in it
    made: dict[str, Any] = {"type": kind}
    if value is not None and value.strip():
        value = value.strip()
        made["value"] = parted(value) if kind.removeprefix("not-") in LISTS else value
    if bound:
        made["threshold"] = float(bound)
    return made


def number(text: str) -> Any:
    """A number where the text is one; else the text."""
    try:
        return float(text)
    except ValueError:
        return text


def _is_kind(kind: str) -> bool:
    from engine.evals.foreign.promptfoo.assertions import KNOWN

    return kind.removeprefix("not-") in KNOWN


def parted(text: str) -> list[str]:
    """Values parted by commas; one with a comma in it stands in quotes."""
    [row] = csv.reader([text], skipinitialspace=True) if "\n" not in text else [text.split(",")]
    return [one.strip() for one in row]


def _put_metadata(metadata: dict[str, Any], key: str, value: str) -> None:
    if not value.strip() or not key:
        return
    if key.endswith("[]"):
        parts = re.split(r"(?<!\\),", value)
        metadata[key[:-2]] = [part.strip().replace("\\,", ",") for part in parts]
    else:
        metadata[key] = value
