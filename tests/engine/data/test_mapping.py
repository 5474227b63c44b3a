"""Options that contradict each other or name something unknown are refused before a row is read."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.mapping import check_options
from store.errors import UsageError
from store.records.data import ImportOptions

PAIR = {"input": "a", "answer": "b"}


@pytest.mark.parametrize(
    "options",
    [
        {"map": PAIR},
        {"map": PAIR | {"system": "c", "annotator": "d"}},
        {"map": PAIR | {"label": "c"}},
        {"map": {"input": "a", "chosen": "b", "rejected": "c"}},
        {"map": {"text": "a", "time": "b"}},
        {"map": {"ticket": "a"}},
        {"map": {"role": "a", "content": "b", "time": "c", "group": "d"}},
        {"map": {"annotator": "a"}, "shape": "chat"},
        {"map": {"ticket": "a"}, "shape": "tickets"},
        {"roles": {"Kim": "assistant", "note": "ignore"}},
    ],
)
def test_options_that_make_sense_pass(options: dict[str, Any]) -> None:
    check_options(ImportOptions(**options))


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"map": {"input": "a"}}, "parts that make a row"),
        ({"map": {"system": "a"}}, "parts that make a row"),
        ({"map": {"text": "a", "system": "b"}}, "parts that make a row"),
        ({"map": PAIR | {"ticket": "c"}}, "parts that make a row"),
        ({"map": PAIR | {"chosen": "c"}}, "parts that make a row"),
        ({"map": {"inptu": "a", "answer": "b"}}, "no part 'inptu'"),
        ({"map": PAIR, "shape": "chat"}, "exclude each other"),
        ({"shape": "sharegtp"}, "No shape is called 'sharegtp'"),
        ({"roles": {"Kim": "asistant"}}, "No role is called 'asistant'"),
    ],
)
def test_options_that_make_none_are_refused(options: dict[str, Any], title: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_options(ImportOptions(**options))
    assert title in caught.value.title


def test_what_is_nearly_right_is_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'sharegpt'"):
        check_options(ImportOptions(shape="sharegtp"))
    with pytest.raises(UsageError, match="Did you mean 'assistant'"):
        check_options(ImportOptions(roles={"Kim": "asistant"}))
