"""Questions with the sources that should be found, and what `temper kb check` says of a knowledge base."""

from __future__ import annotations

from typing import Literal

import msgspec

Metric = Literal["recall", "mrr", "ndcg", "token_recall", "token_precision", "token_iou"]
ArmVerdict = Literal["better", "worse", "same", "too_small"]


class Question(msgspec.Struct, omit_defaults=True):
    """A question and what should be found for it.

    `expected` are sources: `doc`, or `doc:START-END` in characters. `quotes` are texts that stand in a
    document (in one of `expected`, where that names any); they outlive edits elsewhere in it. `unreviewed`
    is true of a question that a model wrote and nobody has looked at.
    """

    question: str
    expected: list[str] = []
    quotes: list[str] = []
    id: str = ""
    unreviewed: bool = False


class Source(msgspec.Struct, frozen=True):
    """A document of the knowledge base, or a part of it in characters. `end` is None for all of it."""

    doc: str
    start: int = 0
    end: int | None = None


class Unresolved(msgspec.Struct):
    """A question that cannot be scored, and why."""

    question: str
    why: str


class Mean(msgspec.Struct):
    """A mean over `n` questions with its 95% interval."""

    mean: float
    low: float
    high: float
    n: int


class StageFigures(msgspec.Struct):
    """How well one way of ranking finds what should be found. `figures` by metric."""

    stage: str
    figures: dict[str, Mean]


class Latency(msgspec.Struct):
    """Milliseconds of a search: the median and the 99th percentile over `n` searches."""

    p50: float
    p99: float
    n: int


class Arm(msgspec.Struct):
    """One way to build or search: its name, what it holds, its figures by stage, its latency.

    `latency` is of the whole search by "search", and of each of its stages by name.
    """

    name: str
    chunks: int
    stages: list[StageFigures]
    latency: dict[str, Latency]
    seconds_to_build: float = 0.0


class ArmDifference(msgspec.Struct):
    """An arm less the published one, on the same questions, by the metric `by`; `p` after Holm."""

    arm: str
    by: str
    diff: float
    low: float
    high: float
    p: float
    n: int
    verdict: ArmVerdict
    questions_needed: int = 0
    """About how many would settle a difference of this size; 0 where it is settled, or is none."""


class Alike(msgspec.Struct):
    """Two documents that say nearly the same: the share of their three-word sequences that is common."""

    a: str
    b: str
    likeness: float


class Contradiction(msgspec.Struct):
    """Two documents that answer one question with sentences alike but for their figures or dates."""

    question: str
    a: str
    b: str
    a_says: str
    b_says: str
    a_date: str = ""
    b_date: str = ""


class Unreached(msgspec.Struct):
    """Passages that no question brought among the first k: how many of all, and the first few by id.

    `reachable` is how many the questions could have brought at most.
    """

    count: int
    of: int
    reachable: int
    first: list[str] = []
    documents: list[str] = []
    """Documents none of whose passages was brought up, the first few."""


class Warnings(msgspec.Struct):
    """What is odd about the documents; all pairs are counted, the first are named."""

    alike_count: int = 0
    alike: list[Alike] = []
    contradiction_count: int = 0
    contradictions: list[Contradiction] = []
    unreached: Unreached | None = None


class KbReport(msgspec.Struct):
    """What a check found. `arms` begins with the published generation; `pick` names the arm to take."""

    kb: str
    generation: int
    k: int
    questions: int
    questions_sha256: str
    unreviewed: int
    spans: int
    arms: list[Arm]
    by: str = "mrr"
    differences: list[ArmDifference] = []
    pick: str = ""
    why: str = ""
    unresolved: list[Unresolved] = []
    warnings: Warnings = msgspec.field(default_factory=Warnings)
    notices: list[str] = []
    seconds: float = 0.0


class QuestionResult(msgspec.Struct):
    """One question under one arm, at the last stage: a line of the run's `questions.jsonl`."""

    arm: str
    id: str
    question: str
    scores: dict[str, float]
    found: list[str]
    """The first k places: `doc:START-END`."""
