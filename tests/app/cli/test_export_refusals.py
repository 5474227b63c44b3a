"""`temper export` of what cannot be exported: a titled error that says what to do, and no run is started."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.models.builtin import builtin_directory
from store import runs
from store.errors import ExitCode
from store.workspace import Workspace
from tests.app.cli.conftest import Temper

TINY = builtin_directory("tiny")


def short(base: Path) -> None:
    with (base / "model.safetensors").open("rb+") as file:
        file.truncate((base / "model.safetensors").stat().st_size - 100)


def pickled(base: Path) -> None:
    (base / "model.safetensors").rename(base / "pytorch_model.bin")


def without_a_shard(base: Path) -> None:
    (base / "model.safetensors").rename(base / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def quantised(base: Path) -> None:
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "bitsandbytes"}
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")


def with_a_template_that_raises(base: Path) -> None:
    (base / "chat_template.jinja").write_text("{{ raise_exception('not today') }}", encoding="utf-8")


def with_a_template_that_is_none(base: Path) -> None:
    (base / "chat_template.jinja").write_text("{% for %}", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (short, ExitCode.USAGE, ("A weights file is damaged", "its header speaks of")),
        (pickled, ExitCode.MISSING, ("no safetensors weights", "pytorch_model.bin", "can run code")),
        (without_a_shard, ExitCode.MISSING, ("A part of the model is missing", "model-2.safetensors")),
        (quantised, ExitCode.USAGE, ("already quantised", "16-bit original")),
        (with_a_template_that_raises, ExitCode.USAGE, ("chat template cannot be used", "not today")),
        (
            with_a_template_that_is_none,
            ExitCode.USAGE,
            ("chat template cannot be used", "chat_template.jinja"),
        ),
    ],
)
def test_a_model_that_is_not_whole_is_refused(
    spoil: Callable[[Path], None],
    code: ExitCode,
    words: tuple[str, ...],
    temper: Temper,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    base = Path(shutil.copytree(TINY, tmp_path / "base"))
    spoil(base)
    ended = temper("export", str(base), "--out", str(tmp_path / "out"))
    assert ended.code == code, ended.err
    for word in words:
        assert word in ended.err
    assert runs.list_folders(workspace.paths.runs) == []
    assert not (tmp_path / "out").exists()


def test_a_gguf_is_exported_already(temper: Temper, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    ended = temper("export", str(tmp_path / "m.gguf"))
    assert ended.code == ExitCode.USAGE
    assert "exported already" in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


@pytest.mark.parametrize("name", ["tiny-q8_0.gguf", "tiny-q8_0.BLOCKED.gguf"])
def test_a_file_of_that_name_is_not_written_over(
    name: str, temper: Temper, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"mine")
    ended = temper("export", "tiny", "--out", str(tmp_path))
    assert ended.code == ExitCode.USAGE
    assert "The file is there already" in ended.err
    assert (tmp_path / name).read_bytes() == b"mine"
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_type_that_is_rounded_by_rows_is_refused_where_there_are_none(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper("export", "tiny", "--quant", "q8_0,iq4_xs")
    assert ended.code == ExitCode.USAGE
    assert "IQ types need the rows that the run was trained on" in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_folder_that_is_a_file_is_refused(temper: Temper, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    ended = temper("export", "tiny", "--out", str(tmp_path / "out"))
    assert ended.code == ExitCode.USAGE
    assert "The folder for the files is a file" in ended.err
    assert runs.list_folders(workspace.paths.runs) == []
