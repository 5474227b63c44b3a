"""What a variant is made of besides its model: few-shot rows, an output shape, one hash, differences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.models.chat import plain_shots, with_shots
from engine.models.compose import differences
from engine.models.few_shot import shots
from engine.models.variants import describe, resolve
from store.errors import MissingError, UsageError
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.workspace import FewShot
from store.workspace import Workspace

SETTINGS = """
[models.served]
url = "http://127.0.0.1:8000/v1"
model = "big"
[datasets.chats]
source = "chats.jsonl"
heldout = 0.2
[variants.base]
model = "served"
prompt = "prompts/a.md"
[variants.shown]
inherits = "base"
prompt = "prompts/b.md"
[variants.shown.few_shot]
dataset = "chats"
rows = 2
[variants.shown.output]
schema = "intent.json"
[variants.again]
inherits = "base"
"""


def asks(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def answers(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/a.md").write_text("Be brief.\nSay what it is.", encoding="utf-8")
    (tmp_path / "prompts/b.md").write_text("Be brief.\nSay it in JSON.", encoding="utf-8")
    (tmp_path / "intent.json").write_text('{"type": "object"}', encoding="utf-8")
    rows = [{"messages": [asks(f"q{at}"), answers(f"a{at}")]} for at in range(20)]
    (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    return Workspace(tmp_path)


def test_few_shot_rows_are_the_same_for_a_seed_and_never_held_out(workspace: Workspace) -> None:
    from store import datasets

    every = shots(workspace, FewShot("chats", 16))
    held_out = {row.messages[0].content for row in datasets.iterate_rows(workspace.paths, "chats/heldout")}

    assert shots(workspace, FewShot("chats", 2)) == shots(workspace, FewShot("chats@1", 2))
    assert shots(workspace, FewShot("chats", 2)) != shots(workspace, FewShot("chats", 2, seed=1))
    assert len(held_out) == 4
    assert held_out.isdisjoint(message.content for message in every)
    assert [message.role for message in every] == ["user", "assistant"] * 16


@pytest.mark.parametrize(
    ("dataset", "rows", "said"), [("chats/heldout", 2, "rows to train on"), ("chats", 60, "too few")]
)
def test_rows_that_may_not_or_cannot_be_shown_are_refused(
    workspace: Workspace, dataset: str, rows: int, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        shots(workspace, FewShot(dataset, rows))


def test_a_variant_resolves_to_its_shots_and_its_shape(workspace: Workspace) -> None:
    resolved = resolve(workspace, "shown")

    assert len(resolved.shots) == 4
    assert resolved.output == OutputFormat("json_schema", schema={"type": "object"})


def test_one_hash_covers_what_is_asked_and_not_what_it_is_called(workspace: Workspace) -> None:
    first = resolve(workspace, "base").sha256
    assert resolve(workspace, "again").sha256 == first
    assert resolve(workspace, "shown").sha256 != first

    (workspace.root / "prompts/a.md").write_text("Be long.", encoding="utf-8")
    assert resolve(workspace, "base").sha256 != first


def test_a_schema_that_is_edited_is_another_variant(workspace: Workspace) -> None:
    first = resolve(workspace, "shown").sha256
    (workspace.root / "intent.json").write_text('{"type": "array"}', encoding="utf-8")

    assert resolve(workspace, "shown").sha256 != first


def test_differences_show_prompts_line_by_line(workspace: Workspace) -> None:
    found = {one.field: one for one in differences(describe(workspace, "base"), describe(workspace, "shown"))}

    tables = {"few_shot.dataset", "few_shot.rows", "few_shot.seed", "output.kind", "output.schema"}
    assert set(found) == {"system", "prompt", "prompt_sha256"} | tables
    assert "-Say what it is." in found["system"].lines
    assert "+Say it in JSON." in found["system"].lines


def test_a_schema_that_is_not_there_is_named(workspace: Workspace) -> None:
    (workspace.root / "intent.json").unlink()

    with pytest.raises(MissingError, match=r"intent\.json"):
        describe(workspace, "shown")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"type": "object"', "The schema is not JSON"),
        (b'{"title": "caf\xe9"}', "The schema is not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "The schema is nested too deeply"),
    ],
)
def test_a_schema_that_cannot_be_read_is_named(workspace: Workspace, written: bytes, said: str) -> None:
    (workspace.root / "intent.json").write_bytes(written)

    with pytest.raises(UsageError, match=r"intent\.json") as refused:
        describe(workspace, "shown")
    assert refused.value.title == said


def test_an_output_is_one_thing(workspace: Workspace) -> None:
    settings = SETTINGS.replace('schema = "intent.json"', 'schema = "intent.json"\njson = true')
    (workspace.root / "temper.toml").write_text(settings, encoding="utf-8")

    with pytest.raises(UsageError, match=r"variants\.shown\.output"):
        Workspace(workspace.root)


def test_a_model_is_here_or_served(workspace: Workspace) -> None:
    (workspace.root / "temper.toml").write_text(
        '[models.x]\npath = "a"\nurl = "http://b"\n', encoding="utf-8"
    )

    with pytest.raises(UsageError, match=r"models\.x"):
        Workspace(workspace.root)


def test_shots_stand_behind_the_system_message_and_before_the_question() -> None:
    shown = [Message("user", "q"), Message("assistant", "a")]
    asked = [Message("system", "s"), Message("user", "x")]

    assert [message.content for message in with_shots(asked, shown)] == ["s", "q", "a", "x"]
    assert [message.content for message in with_shots(asked[1:], shown)] == ["q", "a", "x"]


def test_a_plain_template_writes_shots_as_it_was_trained() -> None:
    shown = [Message("user", "q"), Message("assistant", "a")] * 2

    assert plain_shots("Q: {prompt}\nA: {completion}", shown) == "Q: q\nA: a\nQ: q\nA: a\n"
