"""What the advisor measured of each approach, and what it concludes.

Scores are shares of passed cases; `tokens` are read and written ones per answer; money is in the user's own
currency, per thousand answers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.comparing import Difference

Approach = Literal[
    "bare", "prompt", "few_shot", "gold", "retrieval", "adapter", "hybrid", "other", "constant"
]
"""Ways to answer a suite; `constant` gives every case one answer: what is no better has learned nothing."""
AdviceVerdict = Literal["prompt", "retrieval", "tune", "hybrid", "other_base", "fix_data", "not_yet"]
Binding = Literal["knowledge", "retrieval", "format", "behaviour", "base", "labels", "cases", "none"]


class Taken(msgspec.Struct, omit_defaults=True):
    """What a number of answers took together: seconds by the clock, joules where the GPU counts them."""

    answers: int = 0
    seconds: float = 0.0
    joules: float | None = None


class Training(msgspec.Struct, omit_defaults=True):
    """Seconds that a training run takes on this machine: as it was, or of a probe those of the whole run.

    `note` says where they are from, `run_id` which run; `steps` were run, `whole` are those of the whole run.
    """

    seconds: float
    note: str = ""
    run_id: str = ""
    steps: int = 0
    whole: int = 0

    @property
    def is_probe(self) -> bool:
        """Whether only a part of the whole run was made."""
        return self.steps < self.whole


class Measured(msgspec.Struct, omit_defaults=True):
    """One approach on the suite: score with its 95% interval, and what an answer takes.

    `tokens` are those read and written for an answer, `written` the latter. `latency_ms` is that of an answer
    among others that are computed at once; `seconds` is the time by the clock for each of them, `joules` what
    the GPU drew for it (both None where it was not seen). `gain` compares with the bare prompt, case by case.
    `cost` is money per thousand answers, None without prices. `upkeep` says what it asks for later on,
    `confidence` how far the figure carries. `failed` counts the answers that could not be made, such as those
    to prompts too long for the model; they count as wrong. `training_note` says where `training_seconds` are
    from and `training_run` which run. `held`, of the right passages: the share of the cases whose expected
    answer stands in what they were given; None where nobody can tell.
    """

    approach: Approach
    n: int
    score: float
    ci95: tuple[float, float]
    latency_ms: float
    tokens: float
    run_id: str = ""
    gain: Difference | None = None
    cost: float | None = None
    training_seconds: float | None = None
    upkeep: str = ""
    confidence: str = ""
    written: float = 0.0
    seconds: float | None = None
    joules: float | None = None
    failed: int = 0
    held: float | None = None
    training_note: str = ""
    training_run: str = ""


class Signs(msgspec.Struct, omit_defaults=True):
    """What else is known beside the answers. Shares are in [0, 1]; None where nobody looked.

    `ready` is the rule of triage (the top 20 failures named, half of them behavioural), `why_not` its reason,
    `triage` the commands that name them. `format_share` and `knowledge_share` are of the bare prompt's
    failures, `noise_share` of its cases: those whose reference is decided, or found by a judge, to be wrong.
    `conflicts` is the share of rows whose equal questions have other answers, `perishable` that of answers
    (of rows or cases, whichever is more) which state facts that will change.
    `preference_cost` quotes a preference run that became nicer but less accurate, `preferred` says that the
    adapter is from one. `training` is what the adapter's training takes, `other` another model's name, `seen`
    how many cases an adapter was not measured on because it was trained on them. `behind_prompt` are the
    approaches with passages that were measured behind the improved prompt, since they do better there.
    """

    ready: bool = False
    why_not: str = ""
    format_share: float = 0.0
    knowledge_share: float = 0.0
    noise_share: float = 0.0
    conflicts: float | None = None
    perishable: float | None = None
    serving_mismatch: str = ""
    preference_cost: str = ""
    preferred: bool = False
    triage: str = ""
    training: Training | None = None
    other: str = ""
    seen: int = 0
    behind_prompt: list[Approach] = []


class CostSheet(msgspec.Struct, omit_defaults=True):
    """Tokens, watts and hours as money. `local` and `hosted` are per thousand answers, `training` once.

    `local` is of `approach`; `hosted` of the model `against`, or of one at the hosted prices where that is
    empty. `break_even` is the number of answers from which training and running here is cheaper than
    `hosted`; None where it never is, or a price is missing. `watts` are measured, or those of temper.toml,
    as `watts_from` says. `missing` names the prices that are not in temper.toml.
    """

    currency: str = ""
    approach: str = ""
    against: str = ""
    watts: float | None = None
    watts_from: str = ""
    local: float | None = None
    hosted: float | None = None
    training: float | None = None
    break_even: float | None = None
    missing: list[str] = []


class Advice(msgspec.Struct):
    """The advisor's conclusion. `headline` is the plain-language verdict; `says` are further sentences.

    `ranking` is best first. `missing` lists evidence that would make the advice surer, `further` what would
    have to be true for full or preference tuning to be worth it.
    """

    verdict: AdviceVerdict
    binding: Binding
    headline: str
    says: list[str]
    ranking: list[Measured]
    missing: list[str]
    further: list[str] = []
    costs: CostSheet = msgspec.field(default_factory=CostSheet)
    suite: str = ""
    candidate: str = ""
