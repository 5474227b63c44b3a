"""Everyday topics, one text file each: words, small mishaps and questions. This module only reads them.

In a file, `things:` lists words, a line with `-` is something that happened, one with `?` something to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """One topic: its name in plain words and what people say about it."""

    name: str
    things: list[str]
    events: list[str]
    questions: list[str]


def read_topics() -> list[Topic]:
    """All topics, by name."""
    return [read_topic(path) for path in sorted(FOLDER.glob("*.txt"))]


def read_topic(path: Path) -> Topic:
    """The topic in `path`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    things = next(line for line in lines if line.startswith("things: ")).removeprefix("things: ").split(", ")
    return Topic(
        name=path.stem.replace("_", " "),
        things=things,
        events=[line[2:] for line in lines if line.startswith("- ")],
        questions=[line[2:] for line in lines if line.startswith("? ")],
    )
