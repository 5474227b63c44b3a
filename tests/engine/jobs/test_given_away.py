"""Cases whose answers stand in the prompt, as few-shot rows, are named loudly in the run that counts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.jobs.evaluate import EvaluateParams
from engine.models.few_shot import given_away
from store.records.data import Message
from store.records.events import Notice
from store.workspace import Workspace
from tests.ggufs import tiny_f32
from tests.workers import events_of, run_here

SETTINGS = """
[models.tiny]
path = "{gguf}"
[datasets.chats]
source = "chats.jsonl"
[variants.plain]
model = "tiny"
[variants.plain.sampling]
max_tokens = 2
[variants.shown]
inherits = "plain"
few_shot = {{dataset = "chats", rows = 2}}
"""
SUITE = """
name: mine
cases:
  - {id: seen, input: "Is it  LOST?", expected: x}
  - {id: new, input: Is it found?, expected: y}
checks: [{kind: exact}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals/mine.yaml").write_text(SUITE, encoding="utf-8")
    rows = [{"question": "Is it lost", "answer": "yes"}, {"question": "Where to?", "answer": "There"}]
    (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "temper.toml").write_text(SETTINGS.format(gguf=tiny_f32()), encoding="utf-8")
    return Workspace(tmp_path)


def warnings_of(workspace: Workspace, variant: str) -> list[Notice]:
    folder = run_here(workspace, "evaluate", EvaluateParams("mine", [variant]), "mine")
    return [one for one in events_of(folder, Notice) if isinstance(one, Notice) and one.level == "warn"]


def test_a_run_warns_of_the_cases_that_stand_in_its_prompt(shop: Workspace) -> None:
    [warning] = warnings_of(shop, "shown")

    assert "1 of 2 cases stand in the prompt of shown" in warning.title
    assert "seen" in warning.text
    assert "50.0%" in warning.text
    assert warnings_of(shop, "plain") == []


def turns(*questions: str) -> list[Message]:
    return [Message("user", question) for question in questions]


LONG = "please tell me how I can get my card back when the machine at the station took it"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (turns("Where is MY card"), True),
        (turns("Where is my card, please?"), False),
        (turns(LONG.replace("station", "airport")), True),
        (turns(LONG.replace("station", "airport").replace("card back", "money now")), False),
        (turns("And then?"), True),
        (turns("Where is my card?", "Elsewhere?"), False),
        (turns(LONG, "And then?"), True),
        ([], False),
        (turns("???"), True),
    ],
)
def test_a_question_is_known_by_its_words(asked: list[Message], told: bool) -> None:
    shown = turns("Where is my card?", LONG, "And then?", "???")

    assert given_away(shown, [turns("other"), asked]) == ([1] if told else [])
