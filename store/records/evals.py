"""Eval suites and results: a suite has cases, a case has checks, a check gives pass or fail and a score."""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.data import Message

CheckKind = Literal["exact", "contains", "regex", "json_schema"]


class Check(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One test of an answer. `schema` is a file beside the workspace; `value` a text or pattern."""

    kind: CheckKind
    schema: str | None = None
    value: str | None = None


class Case(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One question. `expected` is what check `exact` compares with. Checks here come on top of the suite's.

    `before` holds the turns before the question: a system message of the row's own, earlier turns.
    """

    id: str
    input: str
    expected: str | None = None
    tags: list[str] = []
    checks: list[Check] = []
    before: list[Message] = []


class CasesFrom(msgspec.Struct, forbid_unknown_fields=True):
    """Cases taken from a dataset's rows: all turns but the last ask, the last assistant message is expected.

    `limit` takes that many rows, spread evenly over the dataset.
    """

    dataset: str
    limit: int | None = None


class Suite(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A YAML file of `evals/`."""

    name: str
    cases: list[Case] | CasesFrom
    checks: list[Check] = []


class CheckResult(msgspec.Struct, omit_defaults=True):
    """Outcome of one check on one answer; `score` is in [0, 1]."""

    kind: str
    passed: bool
    score: float
    detail: str = ""


class CaseResult(msgspec.Struct, omit_defaults=True):
    """One line of a run's `results.jsonl`. A case passes when all its checks do; `score` is their mean.

    Latency in milliseconds, tokens as counted by the model that answered. `error` says why there is no
    answer: such a case counts as failed.
    """

    suite: str
    variant: str
    case: str
    input: str
    output: str
    passed: bool
    score: float
    checks: list[CheckResult]
    expected: str | None = None
    tags: list[str] = []
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""


class VariantScore(msgspec.Struct):
    """One variant on one suite. `score` is the share of passed cases, `stderr` its standard error.

    stderr = sqrt(p (1 - p) / n), the binomial standard error (e.g. Wasserman, All of Statistics, ch. 6).
    """

    name: str
    n: int
    score: float
    stderr: float
    checks: dict[str, float] = {}
