"""Exports of chat programs and Temper's own traces: the path that was shown, and no answer rated bad."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from store.records.data import Message
from store.records.traces import Trace
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import USER, read, reason, reasons, row, rows, said


def node(name: str, parent: str | None, role: str, content: str, **more: Any) -> dict[str, dict[str, Any]]:
    return {
        name: {"id": name, "parentId": parent, "childrenIds": [], "role": role, "content": content, **more}
    }


def web_chat(current: str | None, nodes: dict[str, dict[str, Any]], **chat: Any) -> dict[str, Any]:
    history = {"messages": nodes, "currentId": current}
    return {
        "id": "x",
        "user_id": "u",
        "title": "t",
        "chat": {"models": ["m"], "history": history, **chat},
        "created_at": 1700000000,
    }


ASKED = node("1", None, "user", "q")
TREE = (
    ASKED
    | node("2", "1", "assistant", "first try")
    | node("3", "1", "assistant", "second try")
    | node("4", "3", "user", "more")
    | node("5", "4", "assistant", "a")
)


def test_open_webui_gives_the_path_to_the_current_message() -> None:
    found = row(web_chat("5", TREE))
    assert said(found.messages) == [
        ("user", "q"),
        ("assistant", "second try"),
        ("user", "more"),
        ("assistant", "a"),
    ]
    assert found.metadata == {"time": "1700000000"}


def test_open_webui_without_a_current_message_ends_with_the_last() -> None:
    assert said(row(web_chat(None, TREE)).messages)[-1] == ("assistant", "a")


def test_open_webui_chats_of_older_versions_are_plain_lists() -> None:
    record = {"title": "t", "chat": {"messages": [USER, {"role": "assistant", "content": "a"}]}}
    assert said(row(record).messages) == [("user", "q"), ("assistant", "a")]


def test_a_system_prompt_of_the_chat_comes_first() -> None:
    found = row(web_chat("2", TREE, params={"system": "s"}))
    assert said(found.messages)[0] == ("system", "s")


def test_thoughts_are_no_part_of_an_answer() -> None:
    thoughts = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought</summary>\n> hm\n</details>\n'
    )
    found = row(web_chat("2", ASKED | node("2", "1", "assistant", thoughts + "a")))
    assert found.messages[-1].content == "a"


def test_what_follows_the_last_answer_is_left_away() -> None:
    found = row(web_chat("3", ASKED | node("2", "1", "assistant", "a") | node("3", "2", "user", "thanks")))
    assert said(found.messages) == [("user", "q"), ("assistant", "a")]


def test_an_answer_rated_bad_carries_no_loss_and_ends_no_row() -> None:
    bad = {"annotation": {"rating": -1}}
    nodes = ASKED | node("2", "1", "assistant", "b", **bad) | node("3", "2", "user", "no!")
    good = nodes | node("4", "3", "assistant", "a", annotation={"rating": 1})
    assert [turn.weight for turn in row(web_chat("4", good)).messages] == [1, 0, 1, 1]
    assert reason(web_chat("3", nodes)) == "every answer was rated bad"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (node("1", None, "user", "q", files=[{"type": "image"}]), "holds files"),
        (ASKED | node("2", "1", "assistant", "", error={"content": "down"}), "failed with an error"),
        (ASKED | node("2", "1", "assistant", '<details type="tool_calls">x</details>'), "tool_calls written"),
        (node("1", "2", "user", "q") | node("2", "1", "assistant", "a"), "form a circle"),
        (ASKED, "ends with user"),
        ({}, "no messages"),
        ({"1": None}, "a message is not an object"),
    ],
)
def test_what_open_webui_cannot_give_is_refused(nodes: dict[str, Any], expected: str) -> None:
    assert expected in reason(web_chat(next(reversed(nodes), None), nodes))


def test_an_open_webui_file_is_recognised(importing: Importing) -> None:
    chats = [web_chat("5", TREE), web_chat("1", TREE)]
    info = importing.text("chat-export.json", msgspec.json.encode(chats)).info
    assert (info.shape, info.rows_kept, info.dropped[0].reason) == (
        "open_webui",
        1,
        "ends with user: there is no answer to learn",
    )


def test_a_chatgpt_conversation_gives_its_current_path() -> None:
    def gpt(name: str, parent: str | None, role: str, *parts: str) -> dict[str, Any]:
        content = {"content_type": "text", "parts": list(parts)}
        return {name: {"parent": parent, "message": {"author": {"role": role}, "content": content}}}

    mapping = (
        {"root": {"parent": None, "message": None}}
        | gpt("s", "root", "system", "")
        | gpt("1", "s", "user", "q")
        | gpt("2", "1", "assistant", "other")
        | gpt("3", "1", "assistant", "a")
    )
    found = row({"title": "t", "mapping": mapping, "current_node": "3", "create_time": 1.5})
    assert (said(found.messages), found.metadata) == ([("user", "q"), ("assistant", "a")], {"time": "1.5"})


LOG = "id,workspace,prompt,response,sent_at,username,rating\n"


def test_an_anything_llm_log_gives_a_row_per_prompt(importing: Importing) -> None:
    lines = ['"1","w","q","a","2026-01-31","kim","--"', '"2","w","q2","a2","2026-02-01","kim","BAD"']
    info = importing.text("log.csv", LOG + "\n".join(lines)).info
    assert (info.kind, info.shape, info.rows_kept) == ("chat", "anything_llm", 1)
    assert info.dropped[0].reason == "the answer was rated bad"
    assert importing.rows()[0].metadata == {"time": "2026-01-31"}


def test_the_ratings_of_an_anything_llm_log_can_be_trained_on() -> None:
    record = {"workspace": "w", "prompt": "q", "response": "a", "sent_at": "x", "rating": "BAD"}
    names = {"input": "prompt", "answer": "response", "label": "rating"}
    assert row(record, map=names).label is False


def test_an_anything_llm_prompt_with_an_image_is_refused() -> None:
    record = {
        "workspace": "w",
        "prompt": "q",
        "response": "a",
        "sent_at": "x",
        "attachments": [{"image": "x"}],
    }
    assert "holds attachments" in reason(record)


def test_traces_that_ended_well_become_rows() -> None:
    trace = Trace("t", "2026-01-31T10:00:00Z", "base", [Message("system", "s"), Message("user", "q")], "a")
    failed = msgspec.structs.replace(trace, error="boom")
    cut = msgspec.structs.replace(trace, finish_reason="length")
    found = read(*(msgspec.to_builtins(each) for each in (trace, failed, cut)))
    (kept,) = rows(found)
    assert said(kept.messages) == [("system", "s"), ("user", "q"), ("assistant", "a")]
    assert kept.metadata == {"time": "2026-01-31T10:00:00Z"}
    assert reasons(found) == [
        (2, "the request failed"),
        (3, "the answer is not whole (finish_reason length)"),
    ]
