"""GGUF files made when first needed and kept: `.temper/models/<base>[-<adapter>]/<type>.gguf`.

The key is the content of base and adapter, so a retrained adapter or an edited model is another entry: also
one of which only the chat template or the end tokens were edited, which a GGUF holds too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from engine.export.adapter_settings import SETTINGS
from engine.export.convert import native_type, to_gguf
from engine.export.quantise import (
    FLOAT_TYPES,
    IMPORTANCE_TYPES,
    float_type,
    missing_importance,
    quantise,
)
from engine.models.adapters import WEIGHTS, read_passport
from engine.models.directory import ModelDirectory
from store import atomic
from store.errors import MissingError, UsageError
from store.hashing import sha256_of_files, sha256_of_text
from store.locks import FileLock
from store.paths import WorkspacePaths

TOLD_BESIDE = (
    "chat_template.jinja",
    "tokenizer_config.json",
    "generation_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
"""Small files of a base that go into a GGUF and do not make it another base: an adapter still fits."""
_KEY = 12  # hex digits of each hash in a folder's name


class FileStamp(msgspec.Struct):
    """Size and time of the files a fingerprint was taken of: unchanged stamps make it valid still."""

    stamps: list[tuple[str, int, int]]
    fingerprint: str


def fingerprint(paths: WorkspacePaths, model: ModelDirectory) -> str:
    """`model.fingerprint()`, remembered by the size and time of its files: hashing 16 GB takes a while."""
    known = _memory(paths)
    entry = known.get(str(model.path))
    stamps = _stamps(model)
    if entry is None or entry.stamps != stamps:
        entry = FileStamp(stamps, model.fingerprint())
        known[str(model.path)] = entry
        atomic.write_bytes(_memory_file(paths), msgspec.json.encode(known))
    return entry.fingerprint


def known_fingerprint(paths: WorkspacePaths, model: ModelDirectory) -> str | None:
    """`fingerprint` where it is remembered: nothing is hashed, nothing is written."""
    entry = _memory(paths).get(str(model.path))
    return entry.fingerprint if entry is not None and entry.stamps == _stamps(model) else None


def _memory_file(paths: WorkspacePaths) -> Path:
    return paths.models / "fingerprints.json"


def _memory(paths: WorkspacePaths) -> dict[str, FileStamp]:
    try:
        return msgspec.json.decode(_memory_file(paths).read_bytes(), type=dict[str, FileStamp])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def _stamps(model: ModelDirectory) -> list[tuple[str, int, int]]:
    files = [*model.shards, model.path / "config.json", model.tokenizer_file]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def cache_folder(paths: WorkspacePaths, model: ModelDirectory, adapter: Path | None) -> Path:
    """Where the GGUF files of a base, with an adapter or without, are kept."""
    beside = sha256_of_files(_there(model.path, TOLD_BESIDE))
    name = sha256_of_text(fingerprint(paths, model) + beside)[:_KEY]
    if adapter is not None:
        name += "-" + sha256_of_files(_there(adapter, (WEIGHTS, SETTINGS)))[:_KEY]
    return paths.models / name


def _there(folder: Path, names: Iterable[str]) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_file()]


def cached_gguf(paths: WorkspacePaths, model: Path, adapter: Path | None, kind: str) -> Path | None:
    """What `gguf_for` would give, if it is there. Hashes no base: one that was never used has no file yet."""
    if model.suffix == ".gguf":
        return model if model.is_file() else None
    base = ModelDirectory(model)
    entry = _memory(paths).get(str(base.path))
    if entry is None or entry.stamps != _stamps(base):
        return None
    file = cache_folder(paths, base, adapter) / f"{kind}.gguf"
    return file if file.is_file() else None


def check_base(paths: WorkspacePaths, model: ModelDirectory, adapter: Path) -> None:
    """Raise UsageError when `adapter` was trained on another base than `model`."""
    passport = read_passport(adapter)
    if passport.base_sha256 != fingerprint(paths, model):
        raise UsageError(
            "The adapter was made for another base",
            f"{passport.run_id} was trained on {passport.base} ({passport.base_sha256[:_KEY]}), "
            f"not on {model.path}.",
            "Use it with that base; if the base's files were changed, train again.",
        )


def gguf_for(
    paths: WorkspacePaths,
    model: Path,
    adapter: Path | None,
    kind: str,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """The GGUF of a model (and adapter) in type `kind`, made now if it is not there. `say` hears each step.

    A GGUF file as model is used as it is. Raises MissingError, UsageError or TemperError from the steps, and
    UsageError for an IQ type: an export makes it by rows that are not known here, and it is found then.
    """
    if model.suffix == ".gguf":
        if adapter is not None:
            raise UsageError(
                "A GGUF base takes no adapter yet",
                f"{model} is a GGUF.",
                "Name the Hugging Face directory instead.",
            )
        if not model.is_file():
            raise MissingError("The model file is not there", f"{model} does not exist.", "Check the path.")
        return model
    base = ModelDirectory(model)
    folder = cache_folder(paths, base, adapter)
    target = folder / f"{kind}.gguf"
    if target.is_file():
        return target
    if kind in IMPORTANCE_TYPES:
        raise missing_importance(kind)
    lock = FileLock(folder / ".making.lock")
    while not lock.acquire(timeout=60.0):
        say("another process is converting the same model")
    with lock:
        if not target.is_file():
            make(base, adapter, target, kind, say, paths)
    return target


def make(
    base: ModelDirectory,
    adapter: Path | None,
    target: Path,
    kind: str,
    say: Callable[[str], None],
    paths: WorkspacePaths,
) -> None:
    """Merge if there is an adapter, convert, quantise; only `target` remains."""
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as scratch:
        source = base
        if adapter is not None:
            from engine.export.merge import merge

            check_base(paths, base, adapter)
            say("merging the adapter into the base")
            source = ModelDirectory(merge(base, adapter, Path(scratch) / "merged"))
        if kind in FLOAT_TYPES:
            say(f"converting to {kind}")
            to_gguf(source.path, target, float_type(kind), base.path.name)
            return
        say(f"converting to {native_type(source)}")
        floats = to_gguf(source.path, Path(scratch) / "float.gguf", native_type(source), base.path.name)
        say(f"quantising to {kind}")
        quantise(floats, target, kind)


def remember(
    paths: WorkspacePaths, model: ModelDirectory, adapter: Path | None, file: Path, kind: str
) -> None:
    """Let a file that an export has made serve as the cached GGUF: linked where the disk allows."""
    target = cache_folder(paths, model, adapter) / f"{kind}.gguf"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = atomic.temporary_name(target)
    try:
        os.link(file, partial)
    except OSError:
        shutil.copyfile(file, partial)
    os.replace(partial, target)
