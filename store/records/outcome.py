"""What a training run gained and what it lost, measured on the same rows before and behind it.

Losses are means over tokens in nats, each token predicted from the true ones before it; errors are standard
errors over rows. How these are judged is said in engine.training.outcome.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class RowScore(msgspec.Struct, array_like=True, gc=False):
    """One row: the log-probability of its `tokens` with loss, and how many of them are the likeliest."""

    log_prob: float
    tokens: int
    correct: int


class Snapshot(msgspec.Struct):
    """All rows that are measured, under the model behind `step`. `rows` is a digest of which ones they are.

    `task` holds the answers that are wanted, `rejected` beside them, one for one, those that are not; it is
    empty where there are no pairs. `general` is in the order of the general set.
    """

    step: int
    rows: str
    task: list[RowScore] = []
    rejected: list[RowScore] = []
    general: list[RowScore] = []
    seconds: float = 0.0


class Score(msgspec.Struct, omit_defaults=True):
    """Rows as one. `accuracy` is the share of tokens that are the likeliest.

    `preferred` is the share of pairs whose chosen answer is likelier, as a whole, than the rejected one.
    """

    rows: int
    tokens: int
    loss: float
    accuracy: float
    preferred: float | None = None


class Change(msgspec.Struct, omit_defaults=True):
    """The same rows before and behind a run. None as an error: one row has no spread."""

    before: Score
    after: Score
    loss_error: float | None = None
    accuracy_error: float | None = None

    @property
    def loss(self) -> float:
        """How far the loss rose; below 0 it fell."""
        return self.after.loss - self.before.loss

    @property
    def accuracy(self) -> float:
        """How far the token accuracy rose."""
        return self.after.accuracy - self.before.accuracy


class Point(msgspec.Struct, omit_defaults=True):
    """An evaluation: the objective's loss on held-out rows and the loss on the general set behind `step`.

    `checkpoint` is its path in the run folder where one is kept.
    """

    step: int
    task_loss: float
    general_loss: float | None = None
    checkpoint: str = ""


class Remark(msgspec.Struct):
    """What is to be read from the figures, and what can be done."""

    title: str
    text: str
    level: Literal["info", "warn"] = "info"


class QuantisationCost(msgspec.Struct, omit_defaults=True):
    """The base on the same rows in 16 bits (`before`) and in 4 (`after`): what NF4 costs before any training.

    `rows_from` says which rows they are, `reference` in what the unquantised base computed. Where nothing was
    measured, `problem` says why and `change` is None.
    """

    change: Change | None = None
    rows_from: str = ""
    reference: str = ""
    problem: str = ""


class Outcome(msgspec.Struct, omit_defaults=True):
    """What came of a run whose result are the weights behind `step`.

    `task` is measured on held-out rows, `general` on the general set called `general_set`, whose parts
    `kinds` holds (rise of the loss by kind). `points` are all evaluations, `better` the one of them that is
    the better trade than the result, if there is one. `seconds` is what all of this has taken.
    """

    step: int
    task: Change | None = None
    general: Change | None = None
    general_set: str = ""
    kinds: dict[str, float] = {}
    points: list[Point] = []
    better: Point | None = None
    remarks: list[Remark] = []
    seconds: float = 0.0
