"""`temper ask`, `chat` and `serve`: real answers of a real server, with a knowledge base."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import msgspec
import pytest

from app.cli.ask import report
from app.tui.chat_feed import ChatFeed
from engine.inference.embedder import Embedder
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.readers import find_files
from engine.serving.client import running_server
from store import knowledge
from store.locks import is_locked
from store.paths import default_embedder
from store.records.data import Message
from store.records.serving import ChatDelta
from store.records.traces import Citation, Timings
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import command, environment
from tests.engine.serving.stage import stop, traces, until
from tests.ggufs import tiny_f32

SETTINGS = """
[models.tiny]
path = "{gguf}"
[knowledge.docs]
sources = ["knowledge"]
[knowledge.never]
sources = ["nowhere"]
[variants.base]
model = "tiny"
[variants.base.sampling]
max_tokens = 12
[variants.helped]
inherits = "base"
knowledge = "docs"
top_k = 1
[defaults]
variant = "helped"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a knowledge base; its server, once started, ends with the module."""
    root = tmp_path_factory.mktemp("served")
    (root / "temper.toml").write_text(SETTINGS.format(gguf=tiny_f32()), encoding="utf-8")
    (root / "knowledge").mkdir()
    (root / "knowledge" / "lost.md").write_text("Freeze the wallet from another device.", encoding="utf-8")
    (root / "knowledge" / "fees.md").write_text("Every transfer pays a fee in gas.", encoding="utf-8")
    workspace = Workspace(root)
    with Embedder(default_embedder()) as embedder, knowledge.publishing(workspace.paths, "docs", "a test"):
        files = find_files([root / "knowledge"], root)
        build_index(workspace.paths, "docs", files, embedder, IndexSettings(ChunkSettings(chunk_tokens=64)))
    yield workspace
    stop(workspace)


@pytest.fixture(autouse=True)
def there(served: Workspace, own_leases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are given in the served workspace; its server outlives a test and keeps its own leases."""
    monkeypatch.chdir(served.root)
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(served.root / "runtime"))


def test_json_holds_answer_citations_and_timings(temper: Temper) -> None:
    outcome = temper("ask", "Where is the wallet frozen?", "--json")
    answer = outcome.json()
    assert outcome.code == 0
    assert isinstance(answer["answer"], str)
    assert set(answer["timings"]) == {"retrieval_ms", "first_token_ms", "total_ms"}
    assert [hit["doc"] for hit in answer["hits"]] == ["knowledge/lost.md"]
    assert answer["timings"]["retrieval_ms"] > 0


def test_citations_are_reported_with_number_document_and_place() -> None:
    cited = ChatDelta(finish_reason="stop", answer="Yes [1].", timings=Timings(1, 2, 3))
    cited.citations = [Citation(1, "lost.md", 0, 38)]
    citations = msgspec.to_builtins(report(cited))["citations"]
    assert citations == [
        {"n": 1, "doc": "lost.md", "start": 0, "end": 38, "by": "model", "date": "", "stale": ""}
    ]


def test_the_answer_goes_to_stdout_and_nothing_else(temper: Temper) -> None:
    whole = temper("ask", "Hello", "--no-retrieval", "--json").json()
    outcome = temper("ask", "Hello", "--no-retrieval")
    assert (outcome.code, outcome.out) == (0, whole["answer"] + "\n")


def test_without_retrieval_there_are_no_passages(temper: Temper) -> None:
    answer = temper("ask", "Where is the wallet frozen?", "--no-retrieval", "--json").json()
    assert answer["hits"] == []


def test_another_variant_and_another_knowledge_base_can_be_asked(temper: Temper) -> None:
    assert temper("ask", "fees?", "--variant", "base", "--json").json()["hits"] == []
    asked = temper(
        "ask", "Which fee does a transfer pay?", "--variant", "base", "--kb", "docs", "--json"
    ).json()
    assert asked["hits"][0]["doc"] == "knowledge/fees.md"


def test_another_prompt_changes_the_question_that_the_model_reads(temper: Temper, tmp_path: Path) -> None:
    prompt = tmp_path / "brief.md"
    prompt.write_text("Answer in one word, whatever is asked.", encoding="utf-8")
    plain = temper("ask", "Hello", "--no-retrieval", "--json").json()
    told = temper("ask", "Hello", "--no-retrieval", "--prompt", str(prompt), "--json").json()
    assert told["prompt_tokens"] > plain["prompt_tokens"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--variant", "nobody"), 2, "nobody"),
        (("--kb", "nothing"), 2, "nothing"),
        (("--kb", "docs", "--no-retrieval"), 2, "exclude"),
        (("--kb", "never"), 3, "temper kb ingest"),
        (("--prompt", "nowhere.md"), 3, "nowhere.md"),
    ],
)
def test_what_cannot_be_asked_is_said_with_the_right_exit_code(
    temper: Temper, arguments: tuple[str, ...], code: int, said: str
) -> None:
    outcome = temper("ask", "Hello", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err


def test_a_chat_remembers_until_it_is_told_to_forget(
    temper: Temper, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["/retrieval off", "first", "second", "/new", "third", "/what", "/quit", "unread"]
    monkeypatch.setattr("sys.stdin", StringIO("\n".join(lines) + "\n"))
    outcome = temper("chat")
    assert outcome.code == 0
    assert "Retrieval is off." in outcome.err
    asked = [[m.content for m in trace.messages if m.role == "user"] for trace in traces(served)[-3:]]
    assert asked[0] == ["first"]
    assert asked[1][-1] == "second"
    assert asked[2] == ["third"]


def test_the_end_of_the_input_ends_a_chat(temper: Temper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert temper("chat").code == 0


def test_the_screens_feed_reads_the_same_answers(temper: Temper, served: Workspace) -> None:
    expected = temper("ask", "Where is the wallet frozen?", "--json").json()
    feed = ChatFeed(served)
    pieces = list(feed.answer(None, [Message("user", "Where is the wallet frozen?")], True, lambda: False))
    ending = pieces[-1].ending
    assert ending is not None
    assert ending.finish_reason == expected["finish_reason"]
    assert [hit.doc for hit in ending.hits] == ["knowledge/lost.md"]


def test_serve_takes_over_answers_openai_clients_and_ends_with_its_terminal(
    temper: Temper, served: Workspace
) -> None:
    temper("ask", "Hello", "--json")  # leaves a server in the background
    process = subprocess.Popen(
        command("serve", "--json"), stdout=subprocess.PIPE, env=environment(), start_new_session=True
    )
    assert process.stdout is not None
    try:
        said = b""
        while not said.endswith(b"}\n"):
            line = process.stdout.readline()
            assert line, "serve ended"
            said += line
        shown = json.loads(said)
        server = running_server(served.paths)
        assert server is not None
        assert (shown["url"], server.foreground) == (server.url + "/v1", True)
        headers = {"Authorization": f"Bearer {shown['token']}"}
        body = {"messages": [{"role": "user", "content": "Hello"}]}
        answered = httpx.post(
            f"{shown['url']}/chat/completions", json=body, headers=headers, timeout=60, trust_env=False
        )
        assert answered.json()["model"] == "helped"
        second = temper("serve")
        assert (second.code, "another terminal" in second.err) == (4, True)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        until(lambda: not is_locked(served.paths.server_lock))
        assert not served.paths.server.exists()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
