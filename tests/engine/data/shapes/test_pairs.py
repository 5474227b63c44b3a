"""A question and an answer in columns, by whatever names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from store.records.data import Dropped
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import ANSWER, USER, read, reason, row, rows, said

PLAIN = [("user", "q"), ("assistant", "a")]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"prompt": "q", "completion": "a"}, PLAIN),
        ({"prompt": [USER], "completion": [ANSWER]}, PLAIN),
        ({"prompt": "q", "completion": "a", "system": "s"}, [("system", "s"), *PLAIN]),
        ({"question": "q", "answer": "a"}, PLAIN),
        ({"query": "q", "response": "a"}, PLAIN),
        ({"input": "q", "output": "a"}, PLAIN),
        ({"prompt": "q", "response": "a", "system_prompt": "s"}, [("system", "s"), *PLAIN]),
        ({"question": "q", "context": "c", "answer": "a"}, [("user", "q\n\nc"), ("assistant", "a")]),
        ({"instruction": "i", "input": "", "output": "a"}, [("user", "i"), ("assistant", "a")]),
        ({"instruction": "i", "input": None, "output": "a"}, [("user", "i"), ("assistant", "a")]),
        ({"instruction": "i", "input": "x", "output": "a"}, [("user", "i\n\nx"), ("assistant", "a")]),
        ({"instruction": "i", "context": "x", "response": "a"}, [("user", "i\n\nx"), ("assistant", "a")]),
        (
            {"instruction": "i", "output": "a", "history": [["q", "b"]], "system": "s"},
            [("system", "s"), ("user", "q"), ("assistant", "b"), ("user", "i"), ("assistant", "a")],
        ),
    ],
)
def test_a_record_becomes_turns(record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(row(record).messages) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"prompt": None, "completion": "a"}, "prompt is null"),
        ({"prompt": "q", "completion": 3}, "completion is not text but a int"),
        ({"question": None, "answer": "a"}, "the question is null"),
        ({"question": "q", "answer": None}, "the answer is null"),
        ({"instruction": "i", "output": None}, "output is null"),
        ({"instruction": 1, "output": "a"}, "instruction is not text"),
        ({"instruction": "i", "output": "a", "history": [["q"]]}, "history is not a list of question"),
        ({"instruction": "i", "output": "a", "history": "x"}, "history is not a list"),
        ({"instruction": "i", "instances": None}, "instances is null"),
    ],
)
def test_what_lacks_a_side_is_refused_with_a_reason(record: dict[str, Any], expected: str) -> None:
    assert expected in reason(record)


def test_a_seed_task_gives_a_row_per_instance_and_a_bad_one_costs_only_itself() -> None:
    instances = [
        {"input": "x", "output": "a"},
        {"input": "y", "output": None},
        {"input": "", "output": "b"},
        3,
    ]
    found = read({"instruction": "i", "instances": instances})
    assert [item.messages[0].content for item in rows(found)] == ["i\n\nx", "i"]
    assert [item.reason for item in found if isinstance(item, Dropped)] == [
        "output is null",
        "an instance is not an object",
    ]


def test_gsm8k_is_recognised_by_its_columns(importing: Importing, shared_data: Path) -> None:
    lines = (shared_data / "instruct" / "gsm8k" / "train.jsonl").read_text("utf-8").splitlines()
    info = importing.text("gsm8k.jsonl", "\n".join(lines[:500])).info
    assert (info.kind, info.shape, info.rows_kept) == ("chat", "pairs", 500)
