"""Preference pairs in every form: the same prompt, turns and endings come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import USER, reason, row, said

GOOD = {"role": "assistant", "content": "good"}
BAD = {"role": "assistant", "content": "bad"}
SYSTEM = {"role": "system", "content": "s"}
EARLIER = [{"role": "user", "content": "q0"}, {"role": "assistant", "content": "a0"}]


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "q", "chosen": "good", "rejected": "bad"},
        {"question": "q", "chosen": "good", "rejected": "bad"},
        {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"},
        {"prompt": [USER], "chosen": "good", "rejected": "bad"},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": "q", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": "q ", "chosen": [USER, GOOD], "rejected": [USER, BAD], "messages": [USER, GOOD]},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"input": {"messages": [USER]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]},
        {
            "conversations": [{"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "good"},
            "rejected": {"from": "gpt", "value": "bad"},
        },
        {"messages": [USER], "chosen": "good", "rejected": "bad"},
        {
            "chosen": "\n\nHuman: q\n\nAssistant: good",
            "rejected": "\n\nHuman: q\n\nAssistant: bad",
        },
        {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": "good", "rejected": "bad"},
        {"prompt": "q", "chosen_response": "good", "rejected_response": "bad"},
    ],
)
def test_every_form_gives_one_prompt_and_two_endings(record: dict[str, Any]) -> None:
    found = row(record)
    assert said(found.messages) == [("user", "q"), ("assistant", "good")]
    assert (said(found.rejected), found.prompt_turns) == ([("assistant", "bad")], 1)


def test_what_both_conversations_share_is_the_prompt() -> None:
    shared = [SYSTEM, *EARLIER, USER]
    found = row({"chosen": [*shared, GOOD], "rejected": [*shared, BAD]})
    assert (found.prompt_turns, len(found.messages), len(found.rejected)) == (4, 5, 1)


def test_dialogues_in_one_text_keep_their_earlier_turns() -> None:
    shared = "\n\nHuman: q0\n\nAssistant: a0\n\nmore\n\nHuman: q\n\nAssistant: "
    found = row({"chosen": shared + "good", "rejected": shared + "bad"})
    assert said(found.messages[:3]) == [("user", "q0"), ("assistant", "a0\n\nmore"), ("user", "q")]
    assert found.prompt_turns == 3


def test_the_system_text_comes_before_the_prompt() -> None:
    found = row({"system": "s", "question": "q", "chosen": "good", "rejected": "bad"})
    assert (said(found.messages[:2]), found.prompt_turns) == ([("system", "s"), ("user", "q")], 2)


def test_an_answer_that_begins_with_a_bracket_is_text() -> None:
    assert row({"prompt": "q", "chosen": "[a note]", "rejected": "[1, 2]"}).messages[-1].content == "[a note]"


def test_tools_stand_beside_the_openai_form() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    record = {"input": {"messages": [USER], "tools": tools}, "preferred_output": [GOOD]}
    assert '"name": "f"' in row({**record, "non_preferred_output": [BAD]}).tools


def test_the_form_of_the_answer_is_that_of_both_endings() -> None:
    found = row({"prompt": "q", "chosen": "good", "rejected": "bad"}, answer_json="x")
    assert (found.messages[-1].content, found.rejected[-1].content) == ('{"x": "good"}', '{"x": "bad"}')


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"prompt": "q", "chosen": "same", "rejected": "same "}, "are the same"),
        ({"chosen": [USER, GOOD], "rejected": [USER, GOOD]}, "are the same"),
        ({"prompt": "q", "chosen": "good", "rejected": None}, "rejected is null"),
        ({"prompt": "q", "chosen": "", "rejected": "bad"}, "the chosen answer is empty"),
        ({"prompt": "q", "chosen": "good", "rejected": " "}, "the rejected answer is empty"),
        ({"prompt": "", "chosen": "good", "rejected": "bad"}, "the question is empty"),
        ({"chosen": "good", "rejected": "bad"}, "there is no prompt"),
        ({"prompt": "q", "chosen": [], "rejected": [BAD]}, "the chosen answer is empty"),
        ({"chosen": [USER, GOOD], "rejected": [USER, USER]}, "the rejected answer begins with user"),
        ({"chosen": [USER, GOOD], "rejected": [USER]}, "there is no prompt"),
        ({"messages": [USER, GOOD], "chosen": "good", "rejected": "bad"}, "ends with an answer already"),
        ({"prompt": "q", "chosen": 3, "rejected": "bad"}, "chosen is not text"),
        ({"input": {"messages": None}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}, "is null"),
    ],
)
def test_what_is_no_pair_is_refused_with_a_reason(record: dict[str, Any], expected: str) -> None:
    assert expected in reason(record)


def test_dpo_pairs_of_a_trainer_are_imported(importing: Importing, shared_data: Path) -> None:
    info = importing.file(shared_data / "preference" / "llama_factory" / "dpo_train.jsonl").info
    assert (info.kind, info.shape, info.rows_kept, info.dropped) == ("preference", "preference", 240, [])
    assert all(
        row.prompt_turns == len(row.messages) - 1 and row.rejected[0].role == "assistant"
        for row in importing.rows()
    )


def test_a_column_map_makes_pairs(importing: Importing, shared_data: Path) -> None:
    names = {"chosen": "answer_matching_behavior", "rejected": "answer_not_matching_behavior"}
    path = shared_data / "preference" / "persona" / "agreeableness.jsonl"
    info = importing.file(path, map={"input": "question", **names}).info
    assert (info.kind, info.shape, info.rows_kept, info.dropped) == ("preference", "columns", 1000, [])
    first = importing.rows()[0]
    assert (first.messages[-1].content, first.rejected[0].content) == (" Yes", " No")
