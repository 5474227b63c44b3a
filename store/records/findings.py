"""What `data check` finds in a dataset version: findings, their rows, and the report that a run refers to.

How a check works is not known here (engine.data.checks).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

CheckName = Literal[
    "exact_duplicate",
    "near_duplicate",
    "label_conflict",
    "preference_conflict",
    "leakage",
    "imbalance",
    "length_bias",
    "coverage",
    "truncation",
    "empty",
    "encoding",
    "language",
    "roles",
    "schema",
    "pii",
    "secret",
    "perishable",
    "off_task",
    "serving_mismatch",
    "already_known",
    "no_trained_token",
]
Severity = Literal["info", "warn", "block"]
Verdict = Literal["ok", "warn", "block"]


class RowRef(msgspec.Struct, frozen=True):
    """A row by its stable id, and its line in the source."""

    row: str
    line: int


class Group(msgspec.Struct, omit_defaults=True):
    """Rows that belong together (duplicates of each other, a conflict, a leak), and in what way.

    `score` is the check's own measure, e.g. a Jaccard similarity; `note` is for people.
    """

    rows: list[str]
    note: str = ""
    score: float | None = None


class Finding(msgspec.Struct, omit_defaults=True):
    """One thing that a check found. `id` names it for `--accept`: the check, or check/part if it has parts.

    `rows` are all rows concerned, in the order of the source, and `count` is how many; 0 for what concerns
    the dataset as a whole. `remedy` is one command or one step. `groups` ties rows together where that
    matters; `notes` says something about single rows (row id: text). `figures` holds the numbers behind it.
    """

    id: str
    check: CheckName
    severity: Severity
    title: str
    count: int
    rows: list[RowRef]
    remedy: str = ""
    detail: str = ""
    groups: list[Group] = []
    notes: dict[str, str] = {}
    figures: dict[str, Any] = {}


class Skipped(msgspec.Struct):
    """A check that did not run, and why: silence is not a clean bill of health."""

    check: CheckName
    reason: str


class CheckSettings(msgspec.Struct, omit_defaults=True):
    """What the rows are checked against. The same settings on the same version give the same report.

    `model` is whose tokenizer and chat template count tokens (empty: none). `max_length` in tokens.
    `mask` and `template` as in a recipe. `system` is the prompt file's text that rows without a system
    message get. `variant` is compared with for serving_mismatch. `schema` is the JSON Schema of the
    answers, as text. `task` is the text of the task file. `embeddings` says whether the embedder is
    used. `known` asks the model itself, `known_rows` rows at most (already_known). `languages` are the
    expected ISO 639-1 codes; empty: whatever most rows are written in.
    """

    model: str = ""
    max_length: int = 0
    mask: str = "assistant"
    template: str = ""
    system: str = ""
    variant: str = ""
    schema: str = ""
    task: str = ""
    embeddings: bool = False
    embedder: str = ""
    known: bool = False
    known_rows: int = 200
    languages: list[str] = []
    seed: int = 0


class CheckReport(msgspec.Struct, omit_defaults=True):
    """All findings on one dataset version under some settings.

    `sha256` covers everything but itself, `created` and `seconds`.
    """

    dataset: str
    version: int
    dataset_sha256: str
    rows: int
    verdict: Verdict
    findings: list[Finding]
    skipped: list[Skipped] = []
    settings: CheckSettings = msgspec.field(default_factory=CheckSettings)
    created: str = ""
    seconds: float = 0.0
    sha256: str = ""
