"""Eval suites and results: a suite has cases, a case has checks, a check gives pass or fail and a score.

What the kinds of checks are and which options each takes is not known here (engine.evals.checks). Lines of
`results.jsonl` must stay readable for ever: add fields with defaults, never rename or remove one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from store.records.data import Message, ToolCall
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings

Interval = tuple[float, float]
"""Low and high end."""


class Check(msgspec.Struct, omit_defaults=True):
    """One test of an answer. In a suite's file the `options`, which differ by kind, stand beside `kind`.

    `name` tells checks of one kind apart. An answer passes when its score reaches `threshold` (when left out,
    what the kind says). `weight` counts in the case's score; a check of weight 0 is reported and decides
    nothing. `negate` turns the verdict around: it passes where it would fail, with 1 minus the score. `only`
    and `without` are slices: the check is applied to cases in any of the first and in none of the second.
    """

    kind: str
    name: str = ""
    threshold: float | None = None
    weight: float = 1.0
    negate: bool = False
    only: list[str] = []
    without: list[str] = []
    options: dict[str, Any] = {}


class ExpectedCall(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A tool call as it should be: `arguments` must be equal, of `accepts` one alternative each.

    `accepts` is written as in the Berkeley Function-Calling Leaderboard: a list of right values for each
    argument, in which "" says that the argument may be left out.
    """

    name: str
    arguments: dict[str, Any] = {}
    accepts: dict[str, list[Any]] = {}


class ToolResult(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a tool answers in a trajectory, whenever `name` is called; with `arguments`, only for these."""

    name: str
    content: str
    arguments: dict[str, Any] | None = None


class Origin(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where a case came from: a case of a run, a trace, a row of a dataset, or a line of a file.

    `kind` says how it came: new, failure, trace, imported, paraphrase, out_of_scope.
    """

    kind: str = ""
    run: str = ""
    variant: str = ""
    case: str = ""
    trace: str = ""
    source: str = ""
    line: int = 0


class Case(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One question: `input`, or a whole conversation in `messages`. Checks here come on top of the suite's.

    `expected` is the right answer, `alternatives` are others as right. `before` holds the turns before the
    question; `turns` are questions that follow, each asked once the last was answered, and what is expected
    counts for the last answer. `slices` are named values (language: de), `tags` bare words; both are slices.
    `expected_sources` are documents, or `document:START-END` in characters. `tools` are the functions on
    offer, as JSON Schema; `tool_results` answer their calls, which makes the case a trajectory. Cases with
    one `group` (paraphrases of one question) are not independent of each other. `threshold` stands in for the
    suite's; so do `choices` and `per_byte`.
    """

    id: str
    input: str = ""
    expected: str | None = None
    tags: list[str] = []
    checks: list[Check] = []
    before: list[Message] = []
    messages: list[Message] = []
    alternatives: list[str] = []
    turns: list[str] = []
    slices: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    expected_sources: list[str] = []
    tools: list[dict[str, Any]] = []
    tool_results: list[ToolResult] = []
    expected_tool_calls: list[ExpectedCall] | None = None
    group: str = ""
    threshold: float | None = None
    choices: list[str] = []
    per_byte: bool = False
    origin: Origin | None = None


class CasesFrom(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Cases taken from a dataset's rows: all turns but the last ask, the last assistant message is expected.

    `limit` takes that many rows, spread evenly over the dataset; `slice_by` names metadata of the rows.
    """

    dataset: str
    limit: int | None = None
    slice_by: list[str] = []


class JudgeSettings(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The model that judges: a variant, run or model of the workspace. `max_tokens` caps its verdict.

    `labelled` is a JSONL file of answers that people judged: `input`, `output`, `label` (pass or fail). The
    judge is asked about these too, and how often it agrees is reported.
    """

    model: str
    max_tokens: int = 256
    labelled: str = ""


class Agreement(msgspec.Struct):
    """How often the judge of a check agrees with people: share and Cohen's kappa over `n` answers; `errors`
    are those without a verdict. `stderr` and `ci95` are those of the share; `kappa_low` to `kappa_high` is
    kappa's 95% interval.
    """

    check: str
    n: int
    share: float
    kappa: float
    errors: int = 0
    stderr: float = 0.0
    kappa_low: float = -1.0
    kappa_high: float = 1.0
    ci95: Interval | None = None


class Suite(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A YAML or JSONL file of `evals/`.

    With `threshold` a case passes when the weighted mean of its checks reaches it, without one when every
    check passes. `epochs`: how often each case is asked, to see how much a sampled answer varies. With
    `choices` nothing is written: the answer is the one that the model finds likeliest, with `per_byte` by
    byte of its text.
    """

    name: str
    cases: list[Case] | CasesFrom
    checks: list[Check] = []
    epochs: int = 1
    threshold: float | None = None
    judge: JudgeSettings | None = None
    choices: list[str] = []
    per_byte: bool = False


class CheckResult(msgspec.Struct, omit_defaults=True):
    """Outcome of one check on one answer; `score` is in [0, 1]. `kind` is the check's name, `of_kind` what
    kind it is of, which lines of an older Temper lack.

    `malformed`: it failed because the answer lacks the form, whatever it says: no choice was taken, no JSON.
    `error` says why the check could not judge (a judge that gave no verdict, a function that raised): the
    result is then neither a pass nor a fail, and no zero. `by` is the model that judged, where one did.
    `counts` and the `formula`'s name are what the score of all results together is made of, where that is no
    mean of scores (BLEU).
    """

    kind: str
    passed: bool
    score: float
    detail: str = ""
    error: str = ""
    weight: float = 1.0
    by: str = ""
    counts: list[float] = []
    formula: str = ""
    of_kind: str = ""
    malformed: bool = False


class ChoiceScore(msgspec.Struct):
    """A text that could be chosen: its log-probability behind the prompt (natural, of all its tokens)."""

    text: str
    logprob: float
    tokens: int


class CaseResult(msgspec.Struct, omit_defaults=True):
    """One line of a run's `results.jsonl`: one case, asked once. Passing and scoring: see Suite.

    Latency in milliseconds, tokens as counted by the model that answered. `error` says why there is no
    answer: such a case counts as failed. One with a check that could not judge is not `judged`, and counts
    nowhere but among the errors.

    `case_hash` covers what is asked, `checks_hash` what is expected and how it is judged, `variant_hash` all
    that answers (its knowledge base too). `epoch` counts from 0, `seed` is that of the sampling. `slices`
    holds tags and `name=value`. `steps` are the turns behind the question: answers, tool calls, tool results;
    `tool_calls` all calls made. `choices` are the figures of those there were. `prompt` is what the model
    read last, word for word. `cached`: the answer was taken over from an earlier run.
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
    case_hash: str = ""
    checks_hash: str = ""
    variant_hash: str = ""
    epoch: int = 0
    seed: int = 0
    group: str = ""
    slices: list[str] = []
    metadata: dict[str, Any] = {}
    messages: list[Message] = []
    steps: list[Message] = []
    tool_calls: list[ToolCall] = []
    expected_sources: list[str] = []
    expected_tool_calls: list[ExpectedCall] | None = None
    finish_reason: str = ""
    hits: list[Hit] = []
    citations: list[Citation] = []
    timings: Timings = msgspec.field(default_factory=Timings)
    cached: bool = False
    prompt: str = ""
    choices: list[ChoiceScore] = []

    @property
    def judged(self) -> bool:
        """Whether every check came to a verdict."""
        return not any(check.error for check in self.checks)

    @property
    def cluster(self) -> str:
        """Results with the same one are not independent: epochs and paraphrases of one question."""
        return self.group or self.case


class SliceScore(msgspec.Struct):
    """The share of passed results of a slice with standard error and 95% interval; `n` results of `cases`
    cases.
    """

    n: int
    cases: int
    score: float
    stderr: float
    ci95: Interval | None = None


class Cost(msgspec.Struct, omit_defaults=True):
    """What an answer took, as means over results: tokens, milliseconds, joules where the GPU counts them.

    `stderr` holds the standard errors of the means, by their names.
    """

    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    latency_ms: float = 0.0
    latency_p95_ms: float = 0.0
    joules: float | None = None
    stderr: dict[str, float] = {}


class VariantScore(msgspec.Struct):
    """One variant on one suite. `score` is the share of passed results, `mean` the mean of their scores.

    Standard errors are clustered by case (see engine.evals.stats); with one answer per case that of `score`
    is sqrt(p (1 - p) / n), the binomial one (e.g. Wasserman, All of Statistics, ch. 6). `n` counts the
    results that were judged, `errors` those that could not be, `cases` the distinct ones; `checks_n` the
    verdicts that each check came to. `ci95` and the like are 95% intervals, which runs of an older Temper
    lack. `fragility` is the share of groups of paraphrases in which some pass and some fail.
    """

    name: str
    n: int
    score: float
    stderr: float
    checks: dict[str, float] = {}
    mean: float = 0.0
    mean_stderr: float = 0.0
    checks_stderr: dict[str, float] = {}
    cases: int = 0
    epochs: int = 1
    errors: int = 0
    slices: dict[str, SliceScore] = {}
    cost: Cost | None = None
    sha256: str = ""
    judge: str = ""
    judges_itself: bool = False
    fragility: float | None = None
    fragility_stderr: float = 0.0
    fragility_ci95: Interval | None = None
    ci95: Interval | None = None
    mean_ci95: Interval | None = None
    checks_n: dict[str, int] = {}
    checks_ci95: dict[str, Interval] = {}
