"""What a run gained, what it lost, and which of its checkpoints is the better trade: figures in, words out.

Three rules, all of them choices and no laws:

- Forgotten: the loss on the general set rose by more than FORGOTTEN nats per token (a tenth more perplexity)
  and by more than the noise of its rows. It is a small set; it says that something went, not what a product
  needs of it.
- The better trade: of the evaluations with at least KEPT_GAIN of the result's gain on held-out rows, the one
  with the lowest general loss, where that is lower than the result's by more than NOTICEABLE. Gain is
  counted in the objective's own loss, so it is compared within a run only.
- Nicer but less accurate: a preference run after which more chosen answers are likelier than their rejected
  ones, while the tokens of the chosen ones are hit less often, beyond noise.

Noise is twice the standard error over rows. Knows no model and no file.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from store.records.outcome import Change, Outcome, Point, Remark, RowScore, Score, Snapshot

FORGOTTEN = 0.1
NOTICEABLE = 0.02
KEPT_GAIN = 0.9
ERRORS = 2.0
LOW_ACCURACY = 0.5
"""Below this share of hits a model does not know the answers yet that it is to prefer."""
FEWEST_ROWS = 5
"""Of fewer rows the spread says nothing."""


def outcome_of(
    step: int,
    before: Snapshot | None,
    after: Snapshot | None,
    general_set: tuple[str, Sequence[str]],
    points: Sequence[Point],
) -> Outcome:
    """All that is said of a run whose result are the weights behind `step`.

    `general_set` is its name and the kind of each row; `points` are the evaluations, step 0 first.
    """
    found = Outcome(step, points=list(points))
    if before is not None and after is not None:
        found.task = change(before.task, after.task, before.rejected, after.rejected)
        found.general = change(before.general, after.general)
        found.general_set, kinds = general_set
        found.kinds = rise_by_kind(before.general, after.general, kinds)
    found.better = better_trade(found.points, step)
    found.remarks = remarks(found)
    return found


def loss_of(scores: Sequence[RowScore]) -> float | None:
    """The mean loss of all tokens; None without any, and where it is no number."""
    tokens = sum(one.tokens for one in scores)
    loss = -sum(one.log_prob for one in scores) / tokens if tokens else math.nan
    return loss if math.isfinite(loss) else None


def change(
    before: Sequence[RowScore],
    after: Sequence[RowScore],
    rejected_before: Sequence[RowScore] = (),
    rejected_after: Sequence[RowScore] = (),
) -> Change | None:
    """The same rows twice; None without rows, or where a loss is no number."""
    if loss_of(before) is None or loss_of(after) is None:
        return None
    pairs = list(zip(before, after, strict=True))
    tokens = [one.tokens for one, _ in pairs]
    losses = ratio_error([one.log_prob - other.log_prob for one, other in pairs], tokens)
    hits = ratio_error([other.correct - one.correct for one, other in pairs], tokens)
    return Change(score_of(before, rejected_before), score_of(after, rejected_after), losses, hits)


def score_of(rows: Sequence[RowScore], rejected: Sequence[RowScore] = ()) -> Score:
    """Rows as one; `rejected` beside them, one for one, or none."""
    tokens = sum(one.tokens for one in rows)
    preferred = None
    if rejected:
        won = sum(good.log_prob > bad.log_prob for good, bad in zip(rows, rejected, strict=True))
        preferred = won / len(rows)
    loss = -sum(one.log_prob for one in rows) / tokens
    return Score(len(rows), tokens, loss, sum(one.correct for one in rows) / tokens, preferred)


def ratio_error(parts: Sequence[float], sizes: Sequence[int]) -> float | None:
    """The standard error of sum(parts) / sum(sizes) over rows that were drawn; None of a single one.

    The linearised ratio estimator (Cochran, "Sampling Techniques", 1977, section 6.4), without its finite
    population correction.
    """
    n, total = len(parts), sum(sizes)
    if n < 2 or not total:
        return None
    ratio = sum(parts) / total
    spread = sum((part - ratio * size) ** 2 for part, size in zip(parts, sizes, strict=True))
    return math.sqrt(n / (n - 1) * spread) / total


def rise_by_kind(
    before: Sequence[RowScore], after: Sequence[RowScore], kinds: Sequence[str]
) -> dict[str, float]:
    """How far the loss of each kind of general rows rose."""
    found: dict[str, list[tuple[RowScore, RowScore]]] = defaultdict(list)
    for kind, one, other in zip(kinds, before, after, strict=True):
        found[kind].append((one, other))
    return {
        kind: sum(one.log_prob - other.log_prob for one, other in pairs)
        / max(1, sum(one.tokens for one, _ in pairs))
        for kind, pairs in found.items()
    }


def better_trade(points: Sequence[Point], step: int) -> Point | None:
    """The evaluation that is the better trade than that of `step`, by the rule above; None without one."""
    at = {point.step: point for point in points}
    start, result = at.get(0), at.get(step)
    if start is None or result is None or start.general_loss is None or result.general_loss is None:
        return None
    gain = start.task_loss - result.task_loss
    if gain <= 0 or result.general_loss <= start.general_loss + NOTICEABLE:
        return None
    lower = [
        (point.general_loss, point.step)
        for point in points
        if point.step not in (0, step)
        and point.general_loss is not None
        and start.task_loss - point.task_loss >= KEPT_GAIN * gain
        and point.general_loss < result.general_loss - NOTICEABLE
    ]
    return at[min(lower)[1]] if lower else None


def remarks(found: Outcome) -> list[Remark]:
    """What is to be read from the figures, worst first."""
    said = []
    if found.task is not None:
        said += [nicer_but_less_accurate(found.task), worse(found.task)]
    if found.general is not None:
        said.append(forgotten(found))
    if found.better is not None:
        said.append(traded(found, found.better))
    return [one for one in said if one is not None]


def beyond_noise(rise: float, error: float | None) -> bool:
    """Whether something rose by more than noise."""
    return error is not None and rise > ERRORS * error


def worse(task: Change) -> Remark | None:
    """A run after which the held-out answers are less likely than before."""
    if task.before.rows < FEWEST_ROWS or not beyond_noise(task.loss, task.loss_error):
        return None
    return Remark(
        "Held-out answers have become less likely",
        f"Their loss rose from {task.before.loss:.3f} to {task.after.loss:.3f}. A lower learning_rate, more "
        "rows, or rows that are like those held out may help.",
        "warn",
    )


def nicer_but_less_accurate(task: Change) -> Remark | None:
    """A preference run that bought its preference with the task."""
    before, after = task.before.preferred, task.after.preferred
    if before is None or after is None or after <= before or task.before.rows < FEWEST_ROWS:
        return None
    if not beyond_noise(-task.accuracy, task.accuracy_error):
        return None
    return Remark(
        "Nicer but less accurate",
        f"The chosen answer is the likelier one in {after:.0%} of the held-out pairs, {before:.0%} before; "
        f"of its tokens {task.after.accuracy:.1%} are hit, {task.before.accuracy:.1%} before. Raise beta, "
        'lower learning_rate, or take objective = "orpo", which trains the chosen answers too.',
        "warn",
    )


def weak_start(before: Snapshot | None) -> Remark | None:
    """A preference run on a model that does not know the answers yet: said before it is trained."""
    if before is None or len(before.task) < FEWEST_ROWS or loss_of(before.task) is None:
        return None
    score = score_of(before.task)
    if score.accuracy >= LOW_ACCURACY:
        return None
    return Remark(
        "The model hardly knows the chosen answers",
        f"It hits {score.accuracy:.0%} of their tokens on {score.rows} held-out rows. Preferences choose "
        'between answers that a model can give; train the chosen ones first (objective = "sft"), then this '
        "run with init_from.",
        "warn",
    )


def forgotten(found: Outcome) -> Remark | None:
    """A run that lost more on the general set than is let pass, and what helps."""
    general = found.general
    if general is None or general.loss <= FORGOTTEN or not beyond_noise(general.loss, general.loss_error):
        return None
    kinds = sorted(found.kinds.items(), key=lambda pair: -pair[1])
    most = f", most on {kinds[0][0]} ({kinds[0][1]:+.2f})" if len(kinds) > 1 else ""
    earlier = "an earlier checkpoint, " if found.better and found.better.checkpoint else "fewer steps, "
    return Remark(
        "It has forgotten",
        f"The loss on the general set rose by {general.loss:.2f} to {general.after.loss:.2f} nats a token"
        f"{most}; more than {FORGOTTEN} counts. What helps: {earlier}a lower learning_rate, or general rows "
        "mixed in (replay_dataset).",
        "warn",
    )


def traded(found: Outcome, better: Point) -> Remark:
    """Where the better trade is to be had."""
    at = {point.step: point for point in found.points}
    start, result = at[0].task_loss, at[found.step]
    share = (start - better.task_loss) / (start - result.task_loss)
    where = (
        f"It is kept: {better.checkpoint}."
        if better.checkpoint
        else f"It is not kept; max_steps = {better.step} comes near it."
    )
    return Remark(
        f"Step {better.step} may be the better trade",
        f"It had {share:.0%} of the gain on held-out rows, with a general loss of {better.general_loss:.2f} "
        f"instead of {result.general_loss:.2f}. {where}",
    )
