"""What a check is given and what it gives.

There are two sorts. A row scan looks at one row at a time, knows nothing of the others, and runs in several
processes. A set check looks at all rows together. Both are made from `CheckSettings` alone, so that the same
settings on the same rows give the same report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from store.records.data import DatasetInfo, Example, Message
from store.records.findings import CheckName, CheckSettings, Finding, RowRef, Severity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Embed = Callable[[Sequence[str]], "npt.NDArray[np.float32]"]
"""Texts [n] to unit vectors [n, dimension]."""
CONTEXT_LETTERS = 16
Progress = Callable[[int, int], None]
"""Told `done` of `total`; raises when the user asked to stop."""


class CannotRun(Exception):
    """Why a check cannot run here (a package or model that is absent): goes to the report's `skipped`."""


class Kind(msgspec.Struct, frozen=True):
    """One sort of finding that a row scan makes. `title` and `remedy` may hold {count} and {dataset}."""

    id: str
    check: CheckName
    severity: Severity
    title: str
    remedy: str


class RowScan(Protocol):
    """A check of single rows. Made anew in every process, so it holds nothing that cannot be rebuilt."""

    kinds: tuple[Kind, ...]

    def scan(self, example: Example) -> Iterable[tuple[str, str]]:
        """For each thing found the id of its `Kind` and a note for people (the evidence, secrets masked)."""


@runtime_checkable
class Prepares(Protocol):
    """A row scan that does part of its work for several rows at once, which is faster. What it finds in a row
    does not depend on that."""

    def prepare(self, examples: Sequence[Example]) -> None:
        """Get ready for `scan` of these rows, and forget those before."""


class Basis(msgspec.Struct):
    """All rows of a version as set checks see them. Lists run in parallel: index i is row i of the source.

    `asked` is what a row asks (turns before the answer, the system message apart), `answers` what it answers,
    both as they stand; for a dataset of texts `asked` holds the texts and `answers` is empty strings.
    `embed` is None where no embedder is to be used.
    """

    info: DatasetInfo
    path: Path
    settings: CheckSettings
    rows: list[str]
    lines: list[int]
    splits: list[str]
    asked: list[str]
    answers: list[str]
    metadata: list[dict[str, str]]
    embed: Embed | None
    progress: Progress
    contexts: list[str]
    rejected: list[str]
    labels: list[bool | None]

    def ref(self, index: int) -> RowRef:
        """Row `index` as a finding names it."""
        return RowRef(self.rows[index], self.lines[index])

    def refs(self, indices: Iterable[int]) -> list[RowRef]:
        """Several rows, in the order of the source, each once."""
        return [self.ref(index) for index in sorted(set(indices))]


SetCheck = Callable[[Basis], Iterable[Finding]]
"""A check of all rows together. Raises CannotRun."""


def asked_of(example: Example) -> str:
    """What a row asks, as one text: all turns before its answer but the system message; a text row's text."""
    if example.text:
        return example.text
    return "\n".join(text_of(turn) for turn in _prompt(example) if turn.role != "system")


def answer_of(example: Example) -> str:
    """What a row answers, as one text: the turns after the prompt (of the chosen ending for a preference)."""
    return "\n".join(text_of(turn) for turn in example.messages[len(_prompt(example)) :])


def rejected_of(example: Example) -> str:
    """The other ending of a preference, as one text; empty for any other row."""
    return "\n".join(text_of(turn) for turn in example.rejected)


def context_of(example: Example) -> str:
    """What stands around a row's question, as a short hash: its system messages and tools; empty for none."""
    parts = [normal(turn.content) for turn in example.messages if turn.role == "system"]
    if not any(parts) and not example.tools:
        return ""
    return hashlib.sha256("\0".join([*parts, example.tools]).encode()).hexdigest()[:CONTEXT_LETTERS]


def text_of(turn: Message) -> str:
    """A turn's content and its tool calls."""
    if not turn.tool_calls:
        return turn.content
    calls = [f"{call.name}({call.arguments})" for call in turn.tool_calls]
    return "\n".join([turn.content, *calls] if turn.content else calls)


def normal(text: str) -> str:
    """A text for comparison: case and white space apart."""
    return " ".join(text.casefold().split())


def _prompt(example: Example) -> list[Message]:
    return example.messages[: example.prompt_turns or len(example.messages) - 1]
