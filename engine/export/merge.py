"""An adapter into the unquantised base, written as a Hugging Face directory: whole or not at all.

Merging into 4-bit weights would bake their rounding into the model, so the base here is always the 16- or
32-bit original. Shards are written one after the other beside the folder they are for; a merge that was cut
off goes on after its last finished shard, and within a shard after the last tensors that were noted. What is
written is engine.export.merge_plan's; knows no GGUF.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psutil
import torch

from engine.export.adapter_settings import SETTINGS
from engine.export.merge_plan import MergedModel
from engine.export.tensor_file import Begun, TensorWriter
from engine.models.adapters import WEIGHTS
from engine.models.directory import INDEX, ModelDirectory
from store import atomic
from store.errors import BusyError, TemperError, UsageError
from store.hashing import sha256_of_file, sha256_of_text
from store.locks import FileLock

_CONFIG = "config.json"
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
)
_COPIED = (_CONFIG, "generation_config.json", *_TOKENIZER)
_HEADROOM = 1.05  # of the weights' bytes: index, tokenizer, and what a file system takes for itself
_PARTIAL = ".part"
NOTE_BYTES = 256_000_000
"""Written between two notes of how far a file is: each waits for the disk."""


class FinishedShard(msgspec.Struct):
    """A weights file that is whole on the disk."""

    bytes: int
    sha256: str


class Record(msgspec.Struct):
    """What an unfinished merge leaves beside its files: what it is a merge of, which shards are whole, and
    how far the one is that it was writing.
    """

    identity: str
    shards: dict[str, FinishedShard] = {}
    begun: dict[str, Begun] = {}


def merge(
    base: ModelDirectory,
    adapter: Path,
    out: Path,
    advance: Callable[[int], None] = lambda done: None,
    wrote: Callable[[int], None] = lambda written: None,
) -> Path:
    """Write base + adapter as the new directory `out`. `advance` counts shards, `wrote` bytes.

    What either raises stops the merge. Raises UsageError when `out` is there or the adapter does not fit the
    base, BusyError while another process makes `out`, TemperError when memory or disk do not suffice.
    """
    check_new(out)
    with MergedModel(base, adapter) as model:
        check_memory(model)
        check_disk(model, out)
        with work_folder(out) as work:
            check_new(out)  # another process may have finished it while this one waited for nothing
            record = take_up(work, identity(base, adapter))
            (work / "model").mkdir(exist_ok=True)
            with one_thread():
                write_shards(model, work, record, advance, wrote)
            write_small_files(model, work / "model")
            publish(work, out)
    return out


def work_of(out: Path) -> Path:
    """Where an unfinished merge into `out` lies."""
    return out.with_name(f".{out.name}.merging")


def identity(base: ModelDirectory, adapter: Path) -> str:
    """What a merge is of: the base by its files' size and time, the adapter by its content."""
    files = [*base.shards, base.path / _CONFIG]
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    hashes = [sha256_of_file(adapter / name) for name in (WEIGHTS, SETTINGS)]
    return sha256_of_text(json.dumps([str(base.path), stamps, hashes]))


def is_unfinished(work: Path, base: ModelDirectory, adapter: Path) -> bool:
    """Whether `work` holds an unfinished merge of just this base and adapter."""
    found = read_record(work)
    return found is not None and found.identity == identity(base, adapter)


def read_record(work: Path) -> Record | None:
    """What an unfinished merge has noted; None where there is none that can be read."""
    try:
        return msgspec.json.decode((work / "record.json").read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """The folder that a merge into `out` works in, held by this process. Kept if it has finished shards."""
    work = work_of(out)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    lock = FileLock(work / "lock")
    if not lock.acquire():
        raise BusyError("This merge is running already", f"Another process makes {out}.", "Wait for it.")
    with lock:
        try:
            yield work
        except BaseException as error:
            if not any((work / "model").glob("*.safetensors")):
                shutil.rmtree(work, ignore_errors=True)
            if isinstance(error, OSError):
                raise atomic.disk_error(error, out) from error
            raise


@contextmanager
def one_thread() -> Iterator[None]:
    """Calculate on one thread: a block is a millisecond's work, and threads wait longer for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def take_up(work: Path, wanted: str) -> Record:
    """The record of an earlier try at the same merge, less the shards that are not what it says of them.

    All else that lies in the folder is removed, and everything if it was another merge.
    """
    record = read_record(work)
    if record is None or record.identity != wanted:
        record = Record(wanted)
    shards = work / "model"
    record.shards = {
        name: shard
        for name, shard in record.shards.items()
        if (shards / name).is_file()
        and (shards / name).stat().st_size == shard.bytes
        and sha256_of_file(shards / name) == shard.sha256
    }
    kept = {*record.shards, *(name + _PARTIAL for name in record.begun)}
    for file in shards.glob("*"):
        if file.name not in kept:
            file.unlink()
    return record


def write_shards(
    model: MergedModel,
    work: Path,
    record: Record,
    advance: Callable[[int], None],
    wrote: Callable[[int], None],
) -> None:
    """Write the weights files that are not in the record yet, and note each there once it is on the disk."""
    written = 0

    def save() -> None:
        atomic.write_bytes(work / "record.json", msgspec.json.encode(record))

    def note(name: str, begun: Begun) -> None:
        record.begun = {name: begun}
        save()

    for done, name in enumerate(model.shards, start=1):
        target = work / "model" / name
        if name not in record.shards:
            told = partial(_later, wrote, written)
            begun = record.begun.get(name)
            record.shards[name] = write_shard(model, name, target, told, begun, partial(note, name))
            record.begun = {}
            save()
        written += record.shards[name].bytes
        wrote(written)
        advance(done)


def _later(wrote: Callable[[int], None], before: int, written: int) -> None:
    wrote(before + written)


def write_shard(
    model: MergedModel,
    name: str,
    target: Path,
    wrote: Callable[[int], None],
    begun: Begun | None = None,
    note: Callable[[Begun], None] = lambda begun: None,
) -> FinishedShard:
    """Write one weights file; it gets its name once it is whole and on the disk.

    Goes on with what was `begun`; `note` hears how far it is on the disk, every NOTE_BYTES or so.
    """
    unfinished = target.with_name(name + _PARTIAL)
    metadata = next(reader.metadata for reader in model.readers if reader.path.name == name)
    try:
        with TensorWriter(unfinished, model.specs(name), metadata, begun) as writer:
            noted = writer.written
            for done, tensor in enumerate(model.shards[name], start=1):
                if done <= writer.tensors:
                    continue
                for block in model.blocks(tensor):
                    writer.write(block)
                    wrote(writer.written)
                if writer.written - noted >= NOTE_BYTES:
                    noted = writer.written
                    note(writer.note(done))
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    os.replace(unfinished, target)
    atomic.sync_directory(target.parent)
    return FinishedShard(writer.bytes, writer.sha256)


def write_small_files(model: MergedModel, folder: Path) -> None:
    """Config, index, tokenizer and chat template: the base's, but for what the adapter changes."""
    copy_small_files(model.base, folder)
    changes = model.config_changes
    if model.adapter and "vocab_size" in changes and (model.adapter.path / "tokenizer.json").is_file():
        _copy(_TOKENIZER, model.adapter.path, folder)  # the base's knows nothing of the new tokens
    if changes:
        (folder / _CONFIG).write_text(json.dumps(changed_config(model.base.config, changes), indent=2) + "\n")
    index = model.base.path / INDEX
    if index.is_file() and not changes:
        shutil.copyfile(index, folder / INDEX)
    elif index.is_file():
        content = json.loads(index.read_text(encoding="utf-8"))
        content["weight_map"] = {name: shard for shard, names in model.shards.items() for name in names}
        content["metadata"] = {"total_size": sum(planned.spec.bytes for planned in model.tensors.values())}
        (folder / INDEX).write_text(json.dumps(content, indent=2) + "\n")


def changed_config(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """config.json with `changes`, also in the part about text where a model has such a part."""
    changed = config | changes
    if isinstance(text := config.get("text_config"), dict):
        changed["text_config"] = text | {key: value for key, value in changes.items() if key in text}
    return changed


def copy_small_files(base: ModelDirectory, folder: Path) -> None:
    """Config, tokenizer and chat template of `base`, as they are."""
    _copy(_COPIED, base.path, folder)


def _copy(names: tuple[str, ...], source: Path, folder: Path) -> None:
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def publish(work: Path, out: Path) -> None:
    """Give the finished directory its name."""
    folder = work / "model"
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            atomic.sync_file(file)
    atomic.sync_directory(folder)
    os.replace(folder, out)
    atomic.sync_directory(out.parent)
    shutil.rmtree(work, ignore_errors=True)


def check_new(out: Path) -> None:
    """Raise UsageError when there is something of that name."""
    if out.exists():
        raise UsageError("The folder is there already", f"{out} exists.", "Remove it, or name another.")


def check_memory(model: MergedModel) -> None:
    """Raise TemperError when too little memory is free for the largest update."""
    need, free = model.memory_bytes, psutil.virtual_memory().available
    if free < need:
        raise TemperError(
            "Too little memory is free for the merge",
            f"{need / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free.",
            "Close other programs and run the command again.",
        )


def check_disk(model: MergedModel, out: Path) -> None:
    """Raise TemperError when the merged model would not fit on the disk."""
    need = int(sum(planned.spec.bytes for planned in model.tensors.values()) * _HEADROOM)
    parent = next(folder for folder in out.parents if folder.exists())
    there = sum(file.stat().st_size for file in work_of(out).rglob("*") if file.is_file())
    free = shutil.disk_usage(parent).free + there
    if free < need:
        raise TemperError(
            "The disk is too small for the merged model",
            f"{need / 1e9:.1f} GB are needed under {parent}, {free / 1e9:.1f} GB are free.",
            "Free some space or export to another disk with --out.",
        )
