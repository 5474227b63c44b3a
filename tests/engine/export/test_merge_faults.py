"""What goes wrong on the way to a merged model: named, nothing under the final name, finished shards kept."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.export import merge as merging
from engine.export.merge import Record, merge, read_record, work_of
from engine.export.merge_plan import MergedModel
from engine.models.adapters import WEIGHTS
from engine.models.directory import INDEX, ModelDirectory
from store.errors import BusyError, MissingError, TemperError, UsageError
from store.locks import FileLock
from tests.engine.export.untrained import adapter_on, llama


class Stage(NamedTuple):
    """A base in shards, an adapter on it, and where the merge goes, in a folder of its own."""

    base: Path
    adapter: Path
    out: Path

    def merge(self, **callbacks: Callable[[int], None]) -> Path:
        return merge(ModelDirectory(self.base), self.adapter, self.out, **callbacks)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.out.parent.iterdir()) if self.out.parent.exists() else []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("made")
    base = llama(folder / "base", "bfloat16", shard_size="15KB")
    return Stage(base, adapter_on(base, folder / "adapter"), folder / "to" / "merged")


@pytest.fixture
def stage(made: Stage, tmp_path: Path) -> Stage:
    """Copies, which a test may damage."""
    base, adapter = (Path(shutil.copytree(path, tmp_path / path.name)) for path in (made.base, made.adapter))
    return Stage(base, adapter, tmp_path / "to" / "merged")


@pytest.fixture(scope="module")
def undisturbed(made: Stage) -> dict[str, bytes]:
    """The files of the merge when nothing goes wrong."""
    return contents(made.merge())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the shards that are written, not taken up."""
    names: list[str] = []
    real = merging.write_shard

    def write_shard(model: MergedModel, name: str, *rest: object) -> merging.FinishedShard:
        names.append(name)
        return real(model, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "write_shard", write_shard)
    return names


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.export.merge import merge
from engine.models.directory import ModelDirectory

base, adapter, out, limit, note = sys.argv[1:]
merge.__globals__["NOTE_BYTES"] = int(note)
def wrote(written):
    if written >= int(limit):
        os.kill(os.getpid(), signal.SIGKILL)
merge(ModelDirectory(Path(base)), Path(adapter), Path(out), wrote=wrote)
"""


def killed_after(stage: Stage, limit: int, note: int = 1 << 40) -> Record | None:
    """Merge in another process that is killed once it has written `limit` bytes, noting how far it is every
    `note` bytes. Its record.
    """
    arguments = [str(stage.base), str(stage.adapter), str(stage.out), str(limit), str(note)]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not stage.out.exists()
    return read_record(work_of(stage.out))


def test_a_merge_killed_midway_goes_on_after_its_last_finished_shard(
    stage: Stage, undisturbed: dict[str, bytes], written: list[str]
) -> None:
    shards = [shard.name for shard in ModelDirectory(stage.base).shards]
    assert len(shards) > 4
    sizes = [len(undisturbed[name]) for name in shards]
    record = killed_after(stage, sum(sizes[:3]) + 1)
    assert record is not None
    assert list(record.shards) == shards[:3]
    assert (work_of(stage.out) / "model" / f"{shards[3]}.part").exists()
    counted: list[int] = []
    assert contents(stage.merge(advance=counted.append)) == undisturbed
    assert written == shards[3:]
    assert counted == list(range(1, len(shards) + 1))
    assert stage.left() == ["merged"]


def single(stage: Stage, tmp_path: Path) -> Stage:
    """The same, with a base of one file."""
    base = llama(tmp_path / "single")
    adapter = adapter_on(base, tmp_path / "its adapter")
    return stage._replace(base=base, adapter=adapter, out=tmp_path / "single merged")


@pytest.mark.parametrize("damaged", [False, True])
def test_a_merge_of_a_single_file_goes_on_within_it(damaged: bool, stage: Stage, tmp_path: Path) -> None:
    made = single(stage, tmp_path)
    wanted = contents(made._replace(out=tmp_path / "undisturbed").merge())
    size = len(wanted["model.safetensors"])
    record = killed_after(made, size * 3 // 4, note=1000)
    assert record is not None
    begun = record.begun["model.safetensors"]
    assert 0.5 * size < begun.bytes < size
    unfinished = work_of(made.out) / "model" / "model.safetensors.part"
    if damaged:
        unfinished.write_bytes(b"x" + unfinished.read_bytes()[1:])
    heard: list[int] = []
    assert contents(made.merge(wrote=heard.append)) == wanted
    assert (heard[0] < begun.bytes) is damaged


def test_a_finished_shard_that_was_damaged_meanwhile_is_made_again(
    stage: Stage, undisturbed: dict[str, bytes], written: list[str]
) -> None:
    shards = [shard.name for shard in ModelDirectory(stage.base).shards]
    killed_after(stage, sum(len(undisturbed[name]) for name in shards[:3]))
    file = work_of(stage.out) / "model" / shards[1]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert contents(stage.merge()) == undisturbed
    assert written == [shards[1], *shards[2 if shards[2] in written else 3 :]]


def test_what_another_adapter_had_begun_is_not_taken_up(
    stage: Stage, undisturbed: dict[str, bytes], written: list[str], tmp_path: Path
) -> None:
    shards = [shard.name for shard in ModelDirectory(stage.base).shards]
    killed_after(stage, sum(len(undisturbed[name]) for name in shards[:2]))
    other = stage._replace(adapter=adapter_on(stage.base, tmp_path / "other", seed=9))
    assert contents(other.merge()) != undisturbed
    assert written == shards


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Sets how large a file may become, as a full disk would; undone afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_midway_leaves_what_was_finished_and_no_model(
    stage: Stage, undisturbed: dict[str, bytes], file_limit: Callable[[int], None], written: list[str]
) -> None:
    shards = [shard.name for shard in ModelDirectory(stage.base).shards]

    def fill(done: int) -> None:
        if done == 2:
            file_limit(1000)

    with pytest.raises(TemperError, match="could not be written"):
        stage.merge(advance=fill)
    file_limit(resource.RLIM_INFINITY)
    assert stage.left() == [".merged.merging"]
    assert not list(work_of(stage.out).rglob("*.part"))
    assert contents(stage.merge()) == undisturbed
    assert written == [*shards[:3], *shards[2:]]


def test_a_disk_too_full_for_the_first_shard_is_left_as_it_was(
    stage: Stage, file_limit: Callable[[int], None]
) -> None:
    file_limit(1000)
    with pytest.raises(TemperError, match="could not be written"):
        stage.merge()
    file_limit(resource.RLIM_INFINITY)  # before pytest goes on writing its own log
    assert stage.left() == []


def test_no_space_left_is_called_a_full_disk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TemperError, match="disk is full"):
        stage.merge()
    assert stage.left() == []


def test_too_little_memory_is_said_before_anything_is_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(TemperError, match="Too little memory is free"):
        stage.merge()
    assert stage.left() == []


@pytest.mark.parametrize("kind", ["folder", "full folder", "file"])
def test_what_is_there_is_not_written_over(kind: str, stage: Stage) -> None:
    stage.out.parent.mkdir()
    if kind == "file":
        stage.out.write_text("mine")
    else:
        stage.out.mkdir()
    if kind == "full folder":
        (stage.out / "mine").write_text("mine")
    before = sorted(stage.out.parent.rglob("*"))
    with pytest.raises(UsageError, match="there already"):
        stage.merge()
    assert sorted(stage.out.parent.rglob("*")) == before


def test_two_merges_into_one_folder_do_not_meet(stage: Stage) -> None:
    lock = FileLock(work_of(stage.out) / "lock")
    assert lock.acquire()
    with lock, pytest.raises(BusyError, match="running already"):
        stage.merge()


def test_a_missing_shard_is_named(stage: Stage) -> None:
    gone = ModelDirectory(stage.base).shards[1]
    gone.unlink()
    with pytest.raises(MissingError, match=gone.name):
        stage.merge()
    assert stage.left() == []


def test_a_shard_that_goes_missing_after_it_was_seen_is_named(stage: Stage) -> None:
    base = ModelDirectory(stage.base)
    base.shards[1].unlink()
    with pytest.raises(MissingError, match=base.shards[1].name):
        merge(base, stage.adapter, stage.out)
    assert stage.left() == []


def reheaded(shard: Path, name: str, shape: list[int]) -> None:
    """Let the header give a tensor another shape."""
    data = shard.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header[name]["shape"] = shape
    text = json.dumps(header).encode()
    shard.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


def test_a_shard_whose_shapes_and_sizes_disagree_is_refused(stage: Stage) -> None:
    shard = ModelDirectory(stage.base).shards[0]
    name = next(iter(load_file(shard)))
    reheaded(shard, name, [3, 3])
    with pytest.raises(UsageError, match="weights file is damaged"):
        stage.merge()
    assert stage.left() == []


def test_a_shard_that_was_cut_is_refused(stage: Stage) -> None:
    shard = ModelDirectory(stage.base).shards[-1]
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(UsageError, match="weights file is damaged"):
        stage.merge()
    assert stage.left() == []


def test_adapter_weights_that_were_cut_are_refused(stage: Stage) -> None:
    file = stage.adapter / WEIGHTS
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(UsageError, match="weights file is damaged"):
        stage.merge()
    assert stage.left() == []


def test_pickled_weights_of_a_base_are_refused(stage: Stage) -> None:
    for shard in ModelDirectory(stage.base).shards:
        shard.rename(shard.with_suffix(".bin"))
    (stage.base / INDEX).unlink()
    with pytest.raises(MissingError, match="which Temper does not open"):
        stage.merge()
    assert stage.left() == []


def test_an_update_that_the_type_cannot_hold_is_refused(stage: Stage) -> None:
    file = stage.adapter / WEIGHTS
    tensors = {name: one * 1e30 if "lora_B" in name else one for name, one in load_file(file).items()}
    save_file({name: one * 1e9 if "lora_A" in name else one for name, one in tensors.items()}, file)
    with pytest.raises(TemperError, match="not finite"):
        stage.merge()
    assert not stage.out.exists()


def test_a_base_in_eight_bits_cannot_be_changed(stage: Stage) -> None:
    for shard in ModelDirectory(stage.base).shards:
        tensors = load_file(shard)
        save_file({n: t.to(torch.float8_e4m3fn) if "q_proj.w" in n else t for n, t in tensors.items()}, shard)
    with pytest.raises(UsageError, match="F8_E4M3"):
        stage.merge()
    assert stage.left() == []


@pytest.mark.parametrize("text", ["", "{", None])
def test_settings_that_cannot_be_read_are_named(text: str | None, stage: Stage) -> None:
    file = stage.adapter / "adapter_config.json"
    file.unlink()
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match="settings cannot be read"):
        stage.merge()
    assert stage.left() == []
