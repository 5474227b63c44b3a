"""Imports of files that nobody here wrote."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from store.errors import UsageError
from tests.engine.data.conftest import Importing


def test_banking77_becomes_json_answers_in_a_stratified_split(
    importing: Importing, shared_data: Path
) -> None:
    info = importing.file(
        shared_data / "wallet" / "banking77" / "train.csv",
        map={"input": "text", "answer": "category"},
        answer_json="intent",
        heldout=0.1,
    ).info
    assert (info.rows_in, info.rows_kept, info.splits) == (10003, 10003, {"train": 9003, "heldout": 1000})
    heldout, train = importing.rows("heldout"), importing.rows("train")
    assert len({row.messages[-1].content for row in heldout}) == 77
    assert json.loads(train[0].messages[-1].content) == {"intent": "card_arrival"}
    assert not {row.messages[0].content for row in heldout} & {row.messages[0].content for row in train}
    shares = Counter(row.messages[-1].content for row in heldout)
    whole = shares + Counter(row.messages[-1].content for row in train)
    assert all(abs(shares[answer] - whole[answer] / 10) <= 1.5 for answer in whole)


def test_seed_tasks_become_prompt_and_completion(importing: Importing, shared_data: Path) -> None:
    info = importing.file(shared_data / "instruct" / "seed_tasks" / "seed_tasks.jsonl").info
    assert (info.kind, info.shape, info.rows_kept, info.dropped) == ("completion", "seed_tasks", 175, [])


def test_json_mode_keeps_the_system_message_of_each_row(importing: Importing, shared_data: Path) -> None:
    importing.file(shared_data / "instruct" / "json_mode" / "train.jsonl")
    rows = importing.rows()
    assert len(rows) == 400
    assert {row.messages[0].role for row in rows} == {"system"}
    assert all(json.loads(row.messages[-1].content) is not None for row in rows)


def test_gsm8k_columns_are_mapped(importing: Importing, shared_data: Path) -> None:
    importing.file(
        shared_data / "instruct" / "gsm8k" / "train.jsonl", map={"input": "question", "answer": "answer"}
    )
    rows = importing.rows()
    assert (len(rows), rows[-1].line) == (7473, 7473)


def test_alpaca_rows_are_recognised(importing: Importing, shared_data: Path) -> None:
    info = importing.file(shared_data / "preference" / "llama_factory" / "identity.json").info
    assert (info.shape, info.rows_kept) == ("alpaca", 91)


def test_questions_without_their_answers_ask_which_column_is_what(
    importing: Importing, shared_data: Path
) -> None:
    with pytest.raises(UsageError, match="Which column is what"):
        importing.file(shared_data / "instruct" / "bfcl" / "BFCL_v4_simple_python.json")


def test_a_list_inside_a_document_is_imported(importing: Importing, shared_data: Path) -> None:
    path = shared_data / "forgetting" / "bbh" / "boolean_expressions.json"
    info = importing.file(path, map={"input": "input", "answer": "target"}, heldout=0.2).info
    assert (info.rows_kept, info.splits, info.stratified) == (250, {"train": 200, "heldout": 50}, True)
