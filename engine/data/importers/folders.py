"""Folders as sources: Hugging Face datasets (saved to disk, or laid out as on the hub), files of one kind.

Says which files of a folder are its data and how it divides its rows. A source's test and validation rows are
its held-out rows, where it has training rows as well. Does not open data files.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers.formats import Format, by_name
from store.errors import MissingError, TemperError, UsageError

DICT = "dataset_dict.json"
STATE = "state.json"
# What stands beside data and is none.
_BESIDE = {DICT, STATE, "dataset_info.json", "dataset_infos.json"}
_KINDS: dict[Format, str] = {
    "jsonl": "JSON",
    "json": "JSON",
    "csv": "CSV",
    "tsv": "CSV",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "text": "text",
    "markdown": "text",
}
_DOCUMENTS = "text"
_ABOUT = re.compile(r"(readme|licen[cs]e|changelog|citation)\b", re.IGNORECASE)
_TRAIN = {"train", "training"}
_HELDOUT = {
    "test",
    "testing",
    "eval",
    "evaluation",
    "validation",
    "valid",
    "val",
    "dev",
    "heldout",
    "holdout",
}
_SHOWN = 5


class Part(msgspec.Struct):
    """One file of a source. `name` is relative to the folder; `split` is "train", "heldout" or empty."""

    path: Path
    name: str = ""
    split: str = ""


class Folder(msgspec.Struct):
    """The data files of a folder, in order, and what a user should know about how they were chosen.

    `held` names the folder's own held-out splits, where it has training rows as well.
    """

    parts: list[Part]
    notes: list[str]
    held: list[str] = []


def read_folder(root: Path, format: str = "") -> Folder:
    """What of `root` is data. Raises UsageError where that is not clear, MissingError where there is none."""
    found = _read(root, format)
    if not found.parts:
        raise TemperError(
            "Nothing to import", f"{root} holds no rows.", "Check that this is the right source."
        )
    return found


def _read(root: Path, format: str) -> Folder:
    if (root / DICT).is_file():
        splits = _json(root / DICT).get("splits")
        if not isinstance(splits, list) or not all(_is_name(split) for split in splits):
            raise _not_saved(root / DICT, "names no splits")
        parts = [part for split in splits for part in _saved(root / split, f"{split}/", split)]
        return _divided(parts, [])
    if (root / STATE).is_file():
        state_split = str(_json(root / STATE).get("_split") or "")
        return _divided(_saved(root, "", state_split), [])
    _refuse_several_sets(root)
    files, others = _walk(root)
    chosen, notes = _of_one_kind(root, files, format)
    if others:
        names = ", ".join(sorted(others)[:_SHOWN])
        notes.append(f"{len(others)} other file{'s' * (len(others) > 1)} left out: {names}")
    if all(_KINDS[by_name(path) or "text"] == _DOCUMENTS for path in chosen) and not format:
        return Folder([Part(path, _relative(path, root)) for path in chosen], notes)
    parts = [Part(path, name := _relative(path, root), split_word(name)) for path in chosen]
    return _divided(parts, notes)


def split_word(name: str) -> str:
    """The word by which a relative file name says its split, as data/test-00000-of-00001.parquet does."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((word for word in words if word in _TRAIN | _HELDOUT), "")


def _saved(folder: Path, prefix: str, split: str) -> list[Part]:
    """The files of a dataset that was saved with save_to_disk, in the order that state.json gives."""
    state = _json(folder / STATE)
    files = state.get("_data_files")
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise UsageError(
            "The dataset's rows are chosen by an index file",
            f"{folder} was saved by an old version of the datasets library.",
            "Load it, call flatten_indices(), and save it again.",
        )
    listed = files if isinstance(files, list) else [None]
    names = [file.get("filename") if isinstance(file, dict) else None for file in listed]
    if not all(_is_name(name) for name in names):
        raise _not_saved(folder / STATE, "names no data files")
    return [Part(folder / str(name), f"{prefix}{name}", split) for name in names]


def _divided(parts: list[Part], notes: list[str]) -> Folder:
    """`parts` with splits as Temper calls them, training rows first, and a note where there are several."""
    words = Counter(part.split for part in parts)
    held = sorted(word for word in words if set(re.split(r"[^a-z]+", word.lower())) & _HELDOUT)
    both = bool(held) and any(word and word not in held for word in words)
    named = sorted(filter(None, words))
    if len(named) > 1:
        notes = [*notes, f"all splits are imported: {', '.join(named)}"]
    for part in parts:
        part.split = ("heldout" if part.split in held else "train") if both else ""
    return Folder(sorted(parts, key=lambda part: part.split == "heldout"), notes, held if both else [])


def _walk(root: Path) -> tuple[list[Path], list[str]]:
    """The files under `root` that may be data, and the names of others. Hidden ones and pipes are neither."""
    files, others = [], []

    def refuse(error: OSError) -> None:
        raise TemperError(
            "A folder cannot be read",
            f"{error.filename}: {error.strerror}.",
            "Check its permissions. Nothing was imported.",
        )

    for at, folders, names in os.walk(
        root, onerror=refuse
    ):  # links to folders are not followed: they may loop
        folders[:] = sorted((name for name in folders if not name.startswith((".", "__"))), key=_natural)
        others += [_relative(Path(at, name), root) for name in folders if Path(at, name).is_symlink()]
        for name in sorted(names, key=_natural):
            path = Path(at, name)
            if name.startswith(".") or name in _BESIDE:
                continue
            if by_name(path) and (path.is_file() or path.is_symlink()):
                files.append(path)
            elif not _ABOUT.match(name):
                others.append(_relative(path, root))
    return files, others


def _of_one_kind(root: Path, files: list[Path], format: str) -> tuple[list[Path], list[str]]:
    """The files that are imported, and a note about those of another kind that are not."""
    wanted = _KINDS[format] if format else ""  # type: ignore[index]  # the caller has checked the format
    kinds = Counter(_KINDS[by_name(path) or "text"] for path in files)
    # A few texts beside tables tell of them; where there are more texts than tables, they may be the data.
    texts = sum(
        not _ABOUT.match(path.name) for path in files if _KINDS[by_name(path) or "text"] == _DOCUMENTS
    )
    tables = kinds.total() - kinds[_DOCUMENTS]
    data = [kind for kind in kinds if kind != _DOCUMENTS or texts > tables or not tables]
    if not data or (wanted and wanted not in kinds):
        raise MissingError(
            "The folder holds nothing to import",
            f"{root} has no {wanted or 'JSONL, JSON, CSV, Parquet, Arrow, text or Markdown'} files.",
            "Check that this is the right folder.",
        )
    if not wanted and len(data) > 1:
        found = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(data))
        largest = max(files, key=lambda path: path.stat().st_size if path.is_file() else 0)
        raise UsageError(
            "The folder holds files of several kinds",
            f"{root}: {found}.",
            f"Name one file, or say which kind: --format {by_name(largest)}",
        )
    kind = wanted or data[0]
    chosen = [path for path in files if _KINDS[by_name(path) or "text"] == kind]
    others = [path for path in files if _KINDS[by_name(path) or "text"] != kind]
    left = [_relative(path, root) for path in others if not _ABOUT.match(path.name)]
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return chosen, [
        f"only {kind} files are imported; left out: {', '.join(left[:_SHOWN])}{more}"
    ] if left else []


def _refuse_several_sets(root: Path) -> None:
    """A hub repository may hold several datasets, which its card lists; to mix them would be no dataset."""
    card = root / "README.md"
    names = _configurations(card) if card.is_file() else []
    if len(names) > 1:
        raise UsageError(
            "The folder holds several datasets",
            f"{card} lists {', '.join(names)}.",
            f"Import the folder or file of one, for example: {root / names[0]}",
        )


def _configurations(card: Path) -> list[str]:
    import yaml

    text = card.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("---\n"):
        return []
    try:
        listed = yaml.safe_load(text[4:].partition("\n---")[0])
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    configs = listed.get("configs") if isinstance(listed, dict) else None
    found = [config.get("config_name") for config in configs or [] if isinstance(config, dict)]
    return [str(name) for name in dict.fromkeys(found) if name]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MissingError(
            "A part of the dataset is missing", f"{path} does not exist.", "Copy the whole folder again."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _not_saved(path, str(error)) from error
    return found if isinstance(found, dict) else {}


def _not_saved(path: Path, what: str) -> TemperError:
    return TemperError("The saved dataset is damaged", f"{path}: {what}.", "Save or copy it again.")


def _is_name(name: object) -> bool:
    """Whether `name` is one of an entry of the folder itself."""
    return isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name


def _relative(path: Path, root: Path) -> str:
    """A file's name within the folder, as text that can be stored whatever bytes it is made of."""
    return path.relative_to(root).as_posix().encode("utf-8", "replace").decode()


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts part-2 before part-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
