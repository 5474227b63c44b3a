"""Hand-off: the commands name what there is, the script answers as the model does, the rest is refused."""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.data.rendering import Renderer
from engine.export.handoff.tools import Source, hand_off, ollama_name
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode_prompt
from store.errors import UsageError
from store.records.data import Message
from store.records.workspace import Sampling
from tests.engine.conftest import Trained
from tests.engine.export.untrained import adapter_on, llama, with_adapter

pytestmark = pytest.mark.training

QUESTION = "Question number 3?"


def source_of(trained: Trained, **changes: Any) -> Source:
    given: dict[str, Any] = {
        "model": Path(trained.base),
        "adapter": Path(trained.adapter),
        "sampling": Sampling(max_tokens=12),
    }
    return Source("train-1", ModelDirectory(trained.base), **given | changes)


def own_answer(trained: Trained, template: str = "") -> str:
    """What base + adapter say to QUESTION, token by token."""
    base = ModelDirectory(trained.base)
    renderer = Renderer(base, template, "")
    prompt = renderer.prompt_text([Message("user", QUESTION)])
    ids = encode_prompt(renderer.tokenizer, prompt, base.special_token("bos_token"))
    model = with_adapter(Path(trained.base), Path(trained.adapter))
    start = len(ids)
    with torch.no_grad():
        while len(ids) < start + 12 and ids[-1] not in renderer.stops:
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return str(renderer.tokenizer.decode(ids[start:], skip_special_tokens=True))


def test_the_script_answers_as_base_and_adapter(trained: Trained, tmp_path: Path) -> None:
    words = shlex.split(hand_off("transformers", source_of(trained), tmp_path).command)
    assert words[0] == "python"
    ended = subprocess.run(
        [sys.executable, words[1], QUESTION],
        capture_output=True,
        text=True,
        check=True,
        env={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert ended.stdout.rstrip("\n") == own_answer(trained)


def answer_of_script(
    source: Source, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What the script says when it is run in this process, which has imported all that it imports."""
    file = shlex.split(hand_off("transformers", source, folder).command)[1]
    monkeypatch.setattr(sys, "argv", [file, QUESTION])
    capsys.readouterr()
    runpy.run_path(file, run_name="__main__")
    return capsys.readouterr().out.rstrip("\n")


def test_the_script_of_a_merged_model_answers_too(
    trained: Trained,
    merged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = source_of(trained, model=merged, adapter=None)
    assert answer_of_script(source, tmp_path, monkeypatch, capsys) == own_answer(trained)


def test_the_script_follows_the_recipes_template(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = source_of(trained, template="{prompt}: {completion}")
    answer = answer_of_script(source, tmp_path, monkeypatch, capsys)
    assert answer == own_answer(trained, "{prompt}: {completion}")


def test_vllm_serves_merged_weights_under_the_exports_name(trained: Trained, tmp_path: Path) -> None:
    made = hand_off("vllm", source_of(trained, model=tmp_path / "m e", adapter=None), tmp_path)
    words = shlex.split(made.command)
    assert words[:3] == ["vllm", "serve", str(tmp_path / "m e")]
    assert options(words[3:]) == {"--max-model-len": "256", "--served-model-name": "train-1"}


def options(words: list[str]) -> dict[str, str]:
    """Option and value in turn, as the programs read them."""
    assert all(name.startswith("--") for name in words[::2])
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(("rank", "allowed"), [(4, "8"), (8, "8"), (9, "16")])
def test_vllm_gets_the_adapter_and_a_rank_that_it_knows(rank: int, allowed: str, tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter", r=rank)
    model = ModelDirectory(base)
    (base / "chat_template.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    words = shlex.split(hand_off("vllm", Source("a", model, base, adapter), tmp_path).command)
    words.remove("--enable-lora")
    assert options(words[3:])["--max-lora-rank"] == allowed
    assert options(words[3:])["--lora-modules"] == f"a={adapter}"


def test_tgi_keeps_room_for_an_answer(trained: Trained, tmp_path: Path) -> None:
    words = shlex.split(hand_off("tgi", source_of(trained, adapter=None), tmp_path).command)
    assert words[0] == "text-generation-launcher"
    found = options(words[1:])
    assert found["--model-id"] == str(trained.base)
    assert int(found["--max-input-tokens"]) < int(found["--max-total-tokens"]) == 256


def test_ollama_and_lm_studio_are_named_the_file(trained: Trained, tmp_path: Path) -> None:
    source = source_of(trained, gguf=tmp_path / "train-1-q8_0.gguf", adapter=None, system="Be kind.")
    ollama, studio = (hand_off(tool, source, tmp_path) for tool in ("ollama", "lmstudio"))
    file = Path(shlex.split(ollama.command)[4])
    assert ollama.files == [str(file)]
    assert "FROM ./train-1-q8_0.gguf\n" in file.read_text(encoding="utf-8")
    words = shlex.split(studio.command)
    assert words[:5] == ["lms", "import", "--copy", "--user-repo", "temper/train-1"]
    assert words[5:] == [str(source.gguf)]
    assert "Be kind." in studio.notes[0]


@pytest.mark.parametrize(
    ("stem", "name"),
    [("Train-1", "train-1"), ("one+two", "one-two"), (".a b", "a-b"), ("x" * 99, "x" * 80), ("+", "model")],
)
def test_ollama_is_given_a_name_that_it_takes(stem: str, name: str) -> None:
    assert ollama_name(stem) == name


@pytest.mark.parametrize("rank", [512, 513])
def test_a_rank_that_vllm_does_not_take_is_refused(rank: int, tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    (base / "chat_template.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    adapter = adapter_on(base, tmp_path / "adapter", r=rank, target_modules=["q_proj"])
    source = Source("a", ModelDirectory(base), base, adapter)
    if rank == 512:
        assert "512" in hand_off("vllm", source, tmp_path).command
        return
    with pytest.raises(UsageError, match="vLLM cannot run this"):
        hand_off("vllm", source, tmp_path)


@pytest.mark.parametrize(
    ("tool", "changes"),
    [
        ("vllm", {"template": "{prompt}{completion}"}),
        ("tgi", {"template": "{prompt}{completion}", "adapter": None}),
        ("tgi", {}),
        ("lmstudio", {"gguf": Path("x"), "adapter_gguf": Path("y")}),
        ("lmstudio", {"gguf": Path("x"), "template": "{prompt}{completion}"}),
    ],
)
def test_what_a_program_would_run_otherwise_than_trained_is_refused(
    tool: Any, changes: dict[str, Any], trained: Trained, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="cannot run this as it was trained"):
        hand_off(tool, source_of(trained, **changes), tmp_path)
