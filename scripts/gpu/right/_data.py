"""What the tiny base is trained on here: the support template's rows, which it can learn in a few steps."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

import engine
from engine.data.rendering import IGNORED, Renderer, Row
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from store.records.data import Example, Message

TEMPLATE = Path(engine.__file__).parent / "templates" / "support" / "data" / "support.jsonl"


def tiny() -> ModelDirectory:
    """The embedded base."""
    return ModelDirectory(builtin_directory("tiny"))


def examples(count: int) -> list[Example]:
    """The first so many rows of the template."""
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()[:count]
    return [
        Example(
            str(number),
            number,
            [Message(one["role"], one["content"]) for one in json.loads(line)["messages"]],
        )
        for number, line in enumerate(lines, start=1)
    ]


def rows(count: int, cap: int = 256) -> list[Row]:
    """Them as the tiny base sees them."""
    renderer = Renderer(tiny(), "", "")
    return [renderer.row(example, cap) for example in examples(count)]


def pairs(count: int) -> TrainingData:
    """Preferences: each row's own answer rather than that of the next row whose answer is another."""
    chosen = rows(count)
    endings = [[label for label in row.labels if label != IGNORED] for row in chosen]
    rejected = []
    for at, row in enumerate(chosen):
        other = next(end for end in [*endings[at + 1 :], *endings] if end != endings[at])
        begin = next(n for n, label in enumerate(row.labels) if label != IGNORED)
        ids, labels = row.input_ids[:begin] + other, [IGNORED] * begin + other
        rejected.append(msgspec.structs.replace(row, input_ids=ids, labels=labels))
    return TrainingData(chosen, rejected)
