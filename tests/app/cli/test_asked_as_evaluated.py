"""A variant with everything on it is asked the same, token by token: evaluated, asked, chatted with, served.

The server runs in this process, so that what reaches the scheduler can be looked at.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from engine.inference.embedder import Embedder
from engine.inference.generate import Generation, Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from engine.jobs.evaluate import EvaluateParams
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.readers import find_files
from engine.serving.client import ask, running_server
from engine.serving.server import Server
from store import knowledge
from store.locks import FileLock
from store.paths import default_embedder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.ggufs import tiny_f32
from tests.workers import run_here, wait_until

SETTINGS = """
[models.tiny]
path = "{gguf}"
[datasets.chats]
source = "chats.jsonl"
[knowledge.docs]
sources = ["knowledge"]
[variants.base]
model = "tiny"
prompt = "prompt.md"
knowledge = "docs"
top_k = 2
[variants.base.few_shot]
dataset = "chats"
rows = 2
seed = 3
[variants.full]
inherits = "base"
[variants.full.output]
schema = "intent.json"
[variants.full.sampling]
temperature = 0.8
top_p = 0.95
top_k = 40
min_p = 0.01
repetition_penalty = 1.1
frequency_penalty = 0.1
presence_penalty = 0.2
max_tokens = 24
seed = 11
[defaults]
variant = "full"
"""
QUESTION = "Where is the wallet frozen?"
INTENT = {"type": "object", "properties": {"intent": {"enum": ["freeze", "fee"]}}, "required": ["intent"]}
SUITE = """name: wallet
cases:
  - {id: c1, input: 'Where is the wallet frozen?', expected: x}
checks: [{kind: exact}]
"""


class Seen(NamedTuple):
    """What the scheduler was given, and what came of it."""

    request: Request
    generation: Generation

    def all(self) -> dict[str, Any]:
        asked = self.request
        return {
            "ids": list(asked.ids),
            "sampling": asked.sampling,
            "stops": list(asked.stops),
            "trailing": asked.trailing,
            "bias": dict(asked.bias),
            "adapters": asked.adapters,
            "constrained": asked.constraint is not None,
            "answer": list(self.generation.ids),
        }


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, with its server in a thread of this process."""
    root = tmp_path / "wallet"
    (root / "knowledge").mkdir(parents=True)
    (root / "evals").mkdir()
    (root / "temper.toml").write_text(SETTINGS.format(gguf=tiny_f32()), encoding="utf-8")
    (root / "prompt.md").write_text("Answer with the intent as JSON.", encoding="utf-8")
    (root / "intent.json").write_text(json.dumps(INTENT), encoding="utf-8")
    (root / "evals/wallet.yaml").write_text(SUITE, encoding="utf-8")
    (root / "knowledge/lost.md").write_text("Freeze the wallet from another device.", encoding="utf-8")
    (root / "knowledge/fees.md").write_text("Every transfer pays a fee in gas.", encoding="utf-8")
    rows = [{"question": f"Question {at}", "answer": f'{{"intent": "fee", "n": {at}}}'} for at in range(9)]
    (root / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    workspace = Workspace(root)
    with Embedder(default_embedder()) as embedder, knowledge.publishing(workspace.paths, "docs", "a test"):
        files = find_files([root / "knowledge"], root)
        build_index(workspace.paths, "docs", files, embedder, IndexSettings(ChunkSettings(chunk_tokens=64)))
    monkeypatch.chdir(root)
    return workspace


@pytest.fixture
def served(stage: Workspace) -> Iterator[Workspace]:
    options = argparse.Namespace(port=0, idle_minutes=0, variant=None, foreground=False)
    lock = FileLock(stage.paths.server_lock)
    stage.paths.derived.mkdir(parents=True, exist_ok=True)
    assert lock.acquire()
    thread = threading.Thread(target=Server(stage, options).run)
    thread.start()
    wait_until(lambda: running_server(stage.paths))
    yield stage
    server = running_server(stage.paths)
    assert server is not None
    ask(server, "POST", "/stop")
    thread.join()
    lock.release()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Every request that a scheduler of this process takes."""
    taken: list[Seen] = []
    submit = Scheduler.submit

    def watched(scheduler: Scheduler, request: Request) -> Generation:
        generation = submit(scheduler, request)
        taken.append(Seen(request, generation))
        return generation

    monkeypatch.setattr(Scheduler, "submit", watched)
    return taken


def test_every_way_asks_with_the_same_tokens_and_gets_the_same_answer(
    served: Workspace, seen: list[Seen], temper: Temper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert temper("ask", QUESTION).code == 0

    lines = iter([QUESTION])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(lines, "/quit"))
    assert temper("chat").code == 0

    server = running_server(served.paths)
    assert server is not None
    body = {"model": "full", "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/v1/chat/completions"
    assert httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False).status_code == 200
    ask(server, "POST", "/release")

    run_here(served, "evaluate", EvaluateParams("wallet", ["full"]), "evaluate")

    asked, chatted, over_http, evaluated = (one.all() for one in seen)
    assert asked == chatted == over_http == evaluated
    assert asked["constrained"]
    assert asked["answer"]
    assert asked["sampling"].seed == 11


def test_the_prompt_holds_all_that_the_variant_is_made_of(stage: Workspace, seen: list[Seen]) -> None:
    run_here(stage, "evaluate", EvaluateParams("wallet", ["full"]), "evaluate")

    model = Model(tiny_f32())
    text = b"".join(model.piece(token) for token in seen[0].request.ids).decode()
    model.close()
    for part in ("Answer with the intent", "Question", "Freeze the wallet", "fee in gas", QUESTION):
        assert part in text
