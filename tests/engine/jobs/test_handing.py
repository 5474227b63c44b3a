"""Exports for other programs: what lies there is checked, and loads where the program is at hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine.export import merged_check
from engine.export.gguf_header import read_header
from engine.jobs import foreseeing
from engine.jobs.export_request import ExportParams
from engine.models.directory import ModelDirectory
from engine.models.variants import describe
from store.errors import UsageError
from store.hashing import sha256_of_file
from store.records.exports import ExportResult, ShipCheck
from store.records.hand_offs import Tool
from store.workspace import Workspace
from tests.bases import altered
from tests.engine.conftest import Trained
from tests.engine.export.untrained import with_adapter
from tests.engine.jobs.test_export import RUN, Job, notices, quick, ready

__all__ = ["quick", "ready"]

pytestmark = pytest.mark.training

IDS = torch.tensor([[5, 9, 200, 31, 7]])


@pytest.fixture
def hand(ready: Workspace, tmp_path: Path) -> Iterator[Any]:
    made: list[Job] = []

    def make(*tools: str, kind: str = "f32", adapter_only: bool = False) -> ExportResult:
        params = ExportParams(RUN, [kind], str(tmp_path / "out"), adapter_only=adapter_only)
        params.tools = [cast(Tool, tool) for tool in tools]
        made.append(Job(ready, "export", params))
        return made[-1].export()

    make.jobs = made  # type: ignore[attr-defined]  # for the tests
    yield make
    for job in made:
        job.close()


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


@pytest.mark.usefixtures("quick")
def test_the_merged_model_is_kept_checked_and_loads_in_transformers(
    hand: Any, trained: Trained, tmp_path: Path
) -> None:
    result = hand("vllm", "tgi", "transformers", "ollama", "lmstudio")
    assert [made.tool for made in result.hand_offs] == ["vllm", "tgi", "transformers", "ollama", "lmstudio"]
    folder = tmp_path / "out" / f"{RUN}-merged"
    for made in result.hand_offs[:2]:
        assert str(folder) in shlex.split(made.command)
    gguf, weights = result.files
    assert (gguf.type, weights.type, weights.path) == ("f32", "safetensors", str(folder))
    assert weights.hashes == {file.name: sha256_of_file(file) for file in sorted(folder.iterdir())}
    check = weights.ship_check
    assert (check.verdict, check.reasons, check.top1_agreement) == ("SHIP", [], 1.0)
    assert check.kl_mean < 1e-6
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    wanted = logits(with_adapter(trained.base, trained.adapter))
    assert torch.allclose(logits(model), wanted, atol=1e-4)
    assert (tmp_path / "out" / f"{RUN}.Modelfile").is_file()
    assert (tmp_path / "out" / f"{RUN}-ask.py").is_file()


def test_an_adapter_alone_lies_beside_its_base_and_loads_in_peft(
    hand: Any, trained: Trained, tmp_path: Path
) -> None:
    result = hand("ollama", "vllm", "transformers", adapter_only=True)
    gguf, folder = result.files
    assert (gguf.type, folder.type, folder.ship_check) == ("f32", "peft", None)
    base: Any = AutoModelForCausalLM.from_pretrained(trained.base, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, folder.path)
    assert torch.equal(logits(model), logits(with_adapter(trained.base, trained.adapter)))
    lines = (tmp_path / "out" / f"{RUN}.Modelfile").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [f"FROM ./{RUN}-base-f32.gguf", f"ADAPTER ./{Path(gguf.path).name}"]
    assert result.base_gguf == str(tmp_path / "out" / f"{RUN}-base-f32.gguf")
    assert read_header(Path(result.base_gguf)).metadata["general.architecture"] == "llama"


@pytest.mark.usefixtures("quick")
def test_a_merged_model_that_is_blocked_is_called_so_and_handed_to_nobody(
    hand: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = ShipCheck("BLOCK", ["It is another model."])
    monkeypatch.setattr(merged_check, "check_merged", lambda *_: blocked)
    result = hand("transformers", "lmstudio")
    assert (result.ship_check.verdict, [made.tool for made in result.hand_offs]) == ("BLOCK", ["lmstudio"])
    assert Path(result.files[1].path).name == f"{RUN}-merged.BLOCKED"
    assert "The ship check has blocked its file." in notices(hand.jobs[0].folder)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"tools": ["tgi"], "adapter_only": True}, "TGI cannot run this"),
        ({"tools": ["lmstudio"], "adapter_only": True}, "LM Studio cannot run this"),
    ],
)
def test_what_a_program_cannot_run_is_said_before_anything_is_made(
    changes: dict[str, Any], word: str, ready: Workspace, tmp_path: Path
) -> None:
    parts = describe(ready, RUN)
    params = ExportParams(RUN, ["f32"], **changes)
    with pytest.raises(UsageError, match=word):
        foreseeing.check(ready, params, parts, ModelDirectory(parts.model), tmp_path)
    assert list(tmp_path.glob("*.gguf")) == []


@pytest.mark.parametrize("name", ["-merged", "-ask.py", "-f32.gguf", "-f32.BLOCKED.gguf"])
def test_nothing_that_is_there_is_written_over(name: str, ready: Workspace, tmp_path: Path) -> None:
    parts = describe(ready, RUN)
    (tmp_path / f"{RUN}{name}").write_bytes(b"mine")
    params = ExportParams(RUN, ["f32"], tools=["transformers"])
    with pytest.raises(UsageError, match="there already"):
        foreseeing.check(ready, params, parts, ModelDirectory(parts.model), tmp_path)


def test_a_template_that_raises_is_named_before_anything_is_made(
    ready: Workspace, micro: Path, tmp_path: Path
) -> None:
    template = "{{ raise_exception('not today') }}"
    base = altered(micro, tmp_path / "base", "tokenizer_config.json", chat_template=template)
    parts = describe(ready, str(base))
    with pytest.raises(UsageError, match="chat template cannot be used") as refused:
        foreseeing.check(ready, ExportParams(str(base), ["f32"]), parts, ModelDirectory(base), tmp_path)
    assert "not today" in refused.value.happened
