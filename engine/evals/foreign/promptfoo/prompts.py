"""What promptfoo asks: prompts from texts and files, each a template or a conversation of templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.adding import free_id
from engine.evals.foreign.files import YAML, found, is_code, is_far, is_reference, read_text, read_value, why
from engine.evals.foreign.imported import Imported
from engine.evals.foreign.messages import is_conversation
from engine.evals.table import read_table
from store.errors import TemperError

_TEXTS = (".txt", ".md", ".j2", ".json", ".jsonl", ".csv", *YAML)


class Prompt(msgspec.Struct):
    """A template, or turns of a conversation with templates in them. `label` is what tests call it."""

    what: str | list[dict[str, Any]]
    label: str = ""


def read_prompts(given: Any, folder: Path, imported: Imported) -> list[Prompt]:
    """The prompts of a configuration, in order."""
    if isinstance(given, dict):  # an older form: {file: label}
        given = [{"id": key, "label": value} for key, value in given.items()]
    entries = given if isinstance(given, list) else [] if given is None else [given]
    prompts = [prompt for entry in entries for prompt in _of(entry, folder, imported)]
    taken: set[str] = set()
    for prompt in prompts:  # several of one file have one label
        prompt.label = free_id(prompt.label, taken) if prompt.label else ""
        taken.add(prompt.label)
    return prompts


def _of(entry: Any, folder: Path, imported: Imported) -> Iterator[Prompt]:
    label = ""
    if isinstance(entry, dict):
        label = str(entry.get("label") or "")
        entry = entry.get("raw") or entry.get("id") or entry.get("file")
    if is_conversation(entry):
        yield Prompt(entry, label)
        return
    if not isinstance(entry, str):
        imported.leave(f"`prompts`: {msgspec.json.encode(entry, enc_hook=str).decode()[:80]} is no prompt")
        return
    lone = "\n" not in entry and "{{" not in entry
    if lone and (is_code(entry) or is_far(entry)):
        imported.leave(f"`prompts`: {entry} is {'code' if is_code(entry) else 'not on this machine'}")
    elif is_reference(entry) or (lone and entry.endswith(_TEXTS)):
        files = found(entry, folder)
        if not files:
            imported.leave(f"`prompts`: {entry} is not there")
        for file in files:
            yield from _in_file(file, label, imported)
    else:
        yield Prompt(_conversation(entry) or entry, label)


def _in_file(file: Path, label: str, imported: Imported) -> Iterator[Prompt]:
    """The prompts of a file; a text file may hold several, parted by ---."""
    if is_code(file.name):
        imported.leave(f"`prompts`: {file.name} is code")
        return
    try:
        if file.suffix == ".csv":
            rows = [row for _, row in read_table(file).rows]
            for row in rows:
                yield Prompt(row.get("prompt") or next(iter(row.values())), row.get("label") or label)
        elif file.suffix in YAML:
            raw = read_value(file)
            for one in raw if isinstance(raw, list) and not is_conversation(raw) else [raw]:
                yield Prompt(one if is_conversation(one) else str(one), label or file.stem)
        else:
            text = read_text(file)
            parts = text.split("\n---\n") if file.suffix == ".txt" else [text]
            for part in parts:
                yield Prompt(_conversation(part) or part.strip("\n"), label or file.stem)
    except TemperError as error:
        imported.leave(f"`prompts`: {why(error)}")


def _conversation(text: str) -> list[dict[str, Any]] | None:
    """The turns that a text is in JSON; None where it is none."""
    if not text.lstrip().startswith("["):
        return None
    try:
        value = strict_json.decode(text)
    except ValueError:
        return None
    return value if is_conversation(value) else None
