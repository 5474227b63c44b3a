"""GGUF files made when first needed: once, by content, and never of an adapter on another base."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.export import gguf_cache
from engine.export.adapter_settings import SETTINGS
from engine.models.adapters import PASSPORT, WEIGHTS
from engine.models.directory import ModelDirectory
from store.errors import MissingError, UsageError
from store.records.adapters import AdapterPassport
from store.workspace import Workspace
from tests.bases import RECIPE
from tests.engine.conftest import Trained

Steps = list[str]


@pytest.fixture
def copied(micro: Path, tmp_path: Path) -> Path:
    """A base that a test may change."""
    return Path(shutil.copytree(micro, tmp_path / "base"))


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Conversions as a list of what they would have made: they are tested elsewhere and take seconds."""
    made: Steps = []

    def to_gguf(source: Path, out: Path, kind: str, name: str) -> Path:
        made.append(f"{name} {kind}")
        out.write_bytes(b"GGUF")
        return out

    def quantise(source: Path, out: Path, kind: str) -> Path:
        made.append(kind)
        out.write_bytes(b"GGUF")
        return out

    monkeypatch.setattr(gguf_cache, "to_gguf", to_gguf)
    monkeypatch.setattr(gguf_cache, "quantise", quantise)
    return made


def with_passport(adapter: Path, folder: Path, base: ModelDirectory) -> Path:
    """A copy of an adapter that says which base it was made for."""
    shutil.copytree(adapter, folder)
    passport = AdapterPassport(
        run_id="train-1",
        base="micro",
        base_path=str(base.path),
        base_sha256=base.fingerprint(),
        dataset="d@1",
        dataset_sha256="",
        recipe=RECIPE,
        adapter_sha256="",
        template_sha256="",
        system="",
        steps=1,
        created="",
        device="cpu",
    )
    (folder / PASSPORT).write_bytes(msgspec.json.encode(passport))
    return folder


def test_a_file_is_made_once(workspace: Workspace, micro: Path, faked: Steps) -> None:
    first = gguf_cache.gguf_for(workspace.paths, micro, None, "q8_0")
    assert gguf_cache.gguf_for(workspace.paths, micro, None, "q8_0") == first
    assert faked == ["micro f32", "q8_0"]
    assert [path.name for path in first.parent.iterdir() if path.name[0] != "."] == ["q8_0.gguf"]


def test_every_type_is_a_file_of_its_own(workspace: Workspace, micro: Path, faked: Steps) -> None:
    made = {gguf_cache.gguf_for(workspace.paths, micro, None, kind) for kind in ("f16", "f32", "f16")}
    assert {path.name for path in made} == {"f16.gguf", "f32.gguf"}


def test_a_changed_model_is_another_entry(workspace: Workspace, copied: Path, faked: Steps) -> None:
    before = gguf_cache.gguf_for(workspace.paths, copied, None, "f16")
    config = (copied / "config.json").read_text(encoding="utf-8")
    (copied / "config.json").write_text(config.replace("256", "128"), encoding="utf-8")
    assert gguf_cache.cached_gguf(workspace.paths, copied, None, "f16") is None
    assert gguf_cache.gguf_for(workspace.paths, copied, None, "f16") != before


@pytest.mark.parametrize("edited", ["tokenizer_config.json", "generation_config.json", "chat_template.jinja"])
def test_an_edited_chat_template_or_end_token_is_another_entry_of_the_same_base(
    workspace: Workspace, copied: Path, faked: Steps, edited: str
) -> None:
    base = ModelDirectory(copied)
    before, fitting = gguf_cache.gguf_for(workspace.paths, copied, None, "f16"), base.fingerprint()
    (copied / edited).write_text("{}", encoding="utf-8")
    assert gguf_cache.cached_gguf(workspace.paths, copied, None, "f16") is None
    assert gguf_cache.gguf_for(workspace.paths, copied, None, "f16") != before
    assert ModelDirectory(copied).fingerprint() == fitting  # adapters that were made for it still are


def test_an_adapter_that_is_scaled_otherwise_is_another_entry(
    workspace: Workspace, copied: Path, tmp_path: Path
) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    (tmp_path / SETTINGS).write_text('{"lora_alpha": 16}')
    before = gguf_cache.cache_folder(workspace.paths, ModelDirectory(copied), tmp_path)
    (tmp_path / SETTINGS).write_text('{"lora_alpha": 32}')
    assert gguf_cache.cache_folder(workspace.paths, ModelDirectory(copied), tmp_path) != before


def test_the_same_model_elsewhere_is_the_same_entry(
    workspace: Workspace, micro: Path, copied: Path, faked: Steps
) -> None:
    left = gguf_cache.gguf_for(workspace.paths, micro, None, "f16")
    assert gguf_cache.gguf_for(workspace.paths, copied, None, "f16") == left


def test_asking_what_is_there_makes_nothing(workspace: Workspace, micro: Path, faked: Steps) -> None:
    assert gguf_cache.cached_gguf(workspace.paths, micro, None, "f16") is None
    made = gguf_cache.gguf_for(workspace.paths, micro, None, "f16")
    assert gguf_cache.cached_gguf(workspace.paths, micro, None, "f16") == made
    assert faked == ["micro f16"]


@pytest.mark.training
def test_an_adapter_is_merged_before_and_kept_apart(
    workspace: Workspace, trained: Trained, tmp_path: Path, faked: Steps
) -> None:
    adapter = with_passport(trained.adapter, tmp_path / "adapter", ModelDirectory(trained.base))
    said: list[str] = []
    tuned = gguf_cache.gguf_for(workspace.paths, trained.base, adapter, "q8_0", said.append)
    assert tuned != gguf_cache.gguf_for(workspace.paths, trained.base, None, "q8_0")
    assert said == ["merging the adapter into the base", "converting to f32", "quantising to q8_0"]


@pytest.mark.training
def test_an_adapter_of_another_base_is_refused(
    workspace: Workspace, trained: Trained, copied: Path, tmp_path: Path, faked: Steps
) -> None:
    adapter = with_passport(trained.adapter, tmp_path / "adapter", ModelDirectory(trained.base))
    with (copied / "config.json").open("a", encoding="utf-8") as config:
        config.write("\n")
    with pytest.raises(UsageError, match="made for another base"):
        gguf_cache.gguf_for(workspace.paths, copied, adapter, "q8_0")
    assert faked == []


def test_a_gguf_file_is_used_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    with pytest.raises(MissingError):
        gguf_cache.gguf_for(workspace.paths, file, None, "q8_0")
    file.write_bytes(b"GGUF")
    assert gguf_cache.gguf_for(workspace.paths, file, None, "q8_0") == file
    with pytest.raises(UsageError, match="takes no adapter"):
        gguf_cache.gguf_for(workspace.paths, file, tmp_path, "q8_0")


def test_an_exported_file_serves_from_then_on(
    workspace: Workspace, micro: Path, tmp_path: Path, faked: Steps
) -> None:
    exported = tmp_path / "exported.gguf"
    exported.write_bytes(b"GGUF and more")
    gguf_cache.remember(workspace.paths, ModelDirectory(micro), None, exported, "q8_0")
    found = gguf_cache.gguf_for(workspace.paths, micro, None, "q8_0")
    assert (found.read_bytes(), faked) == (b"GGUF and more", [])
    assert found.samefile(exported)  # a link: it costs no room


def test_a_failed_step_leaves_nothing(
    workspace: Workspace, micro: Path, faked: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> Path:
        raise UsageError("No", "No.", "No.")

    broken: Callable[..., Path] = fail
    monkeypatch.setattr(gguf_cache, "quantise", broken)
    with pytest.raises(UsageError):
        gguf_cache.gguf_for(workspace.paths, micro, None, "q8_0")
    folder = gguf_cache.cache_folder(workspace.paths, ModelDirectory(micro), None)
    assert [path.name for path in folder.iterdir()] == [".making.lock"]


def test_an_iq_type_that_no_export_has_made_is_refused_before_any_step(
    workspace: Workspace, copied: Path, faked: Steps
) -> None:
    with pytest.raises(UsageError, match="needs an importance matrix") as refused:
        gguf_cache.gguf_for(workspace.paths, copied, None, "iq4_xs")
    assert "temper export RUN --quant iq4_xs" in refused.value.remedy
    assert faked == []
    made = gguf_cache.cache_folder(workspace.paths, ModelDirectory(copied), None) / "iq4_xs.gguf"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"GGUF")
    assert gguf_cache.gguf_for(workspace.paths, copied, None, "iq4_xs") == made
