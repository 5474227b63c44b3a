"""Sweeps as data: which runs a file means, when a run is hopeless, what all of them say. Starts nothing."""

from __future__ import annotations

import difflib
import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.training.recipe import contradictions
from store import settings
from store.errors import MissingError, UsageError
from store.records.recipe import Recipe
from store.records.sweep import Effect, Enough, Measure, Point, Sweep, SweepResult

FOLDER = Path(__file__).parent / "sweeps"
MOST_RUNS = 200
SHARE = "rows_share"
NOISE = 0.01
"""A relative difference of held-out loss that is not called one."""


def shipped() -> list[str]:
    """Names of the sweeps that come with Temper."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find_sweep(root: Path, reference: str, here: Path) -> Path:
    """The file that `reference` means: a path from `here` or the workspace, or a shipped one's name."""
    asked = Path(reference).expanduser()
    for place in (
        here / asked,
        root / asked,
        root / "recipes" / f"{reference}.toml",
        FOLDER / f"{reference}.toml",
    ):
        if place.is_file():
            return place.resolve()
    close = difflib.get_close_matches(asked.name, shipped(), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise MissingError(
        "No such sweep",
        f"{reference} is no file.{hint}",
        f"Name a TOML file, or one that comes with Temper: {', '.join(shipped())}.",
    )


def load_sweep(path: Path) -> Sweep:
    """The sweep in a file. Raises UsageError that lists every problem at once."""
    return settings.build(settings.read_toml(path), Sweep, path.name, problems_of)


def problems_of(sweep: Sweep) -> list[str]:
    """What is wrong between the keys of a sweep."""
    problems = []
    if sweep.rows and (sweep.grid or sweep.paired):
        problems.append("rows: a learning curve varies nothing else; leave out grid and paired")
    if not (sweep.rows or sweep.grid or sweep.paired):
        problems.append("grid: there is nothing to vary; give grid, paired or rows")
    lengths = {key: len(values) for key, values in sweep.paired.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} has {count}" for key, count in lengths.items())
        problems.append(f"paired: every key needs as many values as the others; {listed}")
    problems += [f"{key}: both in grid and in paired" for key in sweep.grid if key in sweep.paired]
    count = len(changes_of(sweep)) if not problems else 0
    if count > MOST_RUNS:
        problems.append(f"grid: that is {count} runs; {MOST_RUNS} at most")
    return problems


def changes_of(sweep: Sweep) -> list[dict[str, Any]]:
    """What each run changes: pairs times the grid, the last key of the grid varying fastest."""
    if sweep.rows:
        return [{SHARE: share} for share in sorted(sweep.rows)]
    pairs: list[dict[str, Any]] = [{}]
    if sweep.paired:
        pairs = [
            dict(zip(sweep.paired, values, strict=True))
            for values in zip(*sweep.paired.values(), strict=True)
        ]
    grid = [dict(zip(sweep.grid, values, strict=True)) for values in itertools.product(*sweep.grid.values())]
    return [one | other for one in pairs for other in grid]


def recipes_of(recipe: Recipe, sweep: Sweep) -> list[Recipe]:
    """The recipe of each run. Raises UsageError with what is wrong with any of them, once each."""
    problems: dict[str, None] = {}
    found = []
    for changes in changes_of(sweep):
        raw = msgspec.to_builtins(recipe)
        for key, value in changes.items():
            *tables, name = key.split(".")
            place = raw
            for table in tables:
                place = place.setdefault(table, {})
            place[name] = value
        wrong = settings.check(raw, Recipe)
        if not wrong:
            found.append(msgspec.convert(raw, Recipe))
            wrong = contradictions(found[-1])
        problems |= dict.fromkeys(wrong)
    if problems:
        raise UsageError(
            "The sweep asks for what a recipe does not allow",
            "\n".join(problems),
            "Mend the keys named above.",
        )
    return found


def check_judge(sweep: Sweep, recipe: Recipe) -> None:
    """Raise UsageError for a learning curve that no held-out row would judge: it could not tell anything."""
    if sweep.rows and not recipe.eval_every:
        raise UsageError(
            "A learning curve needs held-out rows",
            f"{recipe.dataset} holds none out, and training loss is lower with fewer rows.",
            f"Hold some out: temper data split {recipe.dataset.partition('@')[0].partition('/')[0]}",
        )


def hopeless(losses: Sequence[float], others: Iterable[Sequence[float]], patience: int) -> bool:
    """Whether a run is to be stopped at its last step.

    The median rule: its mean loss so far is above the median of the other runs' means up to the same step
    (Golovin et al., "Google Vizier", 2017, section 3.2.2). Not before `patience` steps, nor with fewer than
    two others that have come as far.
    """
    step = len(losses)
    if step < max(1, patience):
        return False
    means = [statistics.fmean(one[:step]) for one in others if len(one) >= step]
    if len(means) < 2:
        return False
    return statistics.fmean(losses) > statistics.median(means)


def conclude(sweep: Sweep, points: list[Point], measure: Measure) -> SweepResult:
    """The table's winner and the sweep's answer."""
    whole = [point for point in points if point.score is not None and point.state == "finished"]
    best = min(whole, key=lambda point: point.score or 0.0, default=None)
    result = SweepResult(sweep.question, measure, points, best.run_id if best else "", "")
    if best is None:
        result.verdict = "No run has finished."
    elif sweep.rows:
        result.enough, result.verdict = enough(whole, measure)
    else:
        result.effects = effects(points)
        result.verdict = words_of(best, result.effects)
    return result


def effects(points: Sequence[Point]) -> list[Effect]:
    """Mean score by value of every key that varies, strongest key first. Runs stopped early count too: left
    out, a value that is always bad would have none."""
    scored = [point for point in points if point.score is not None]
    found = []
    for key in dict.fromkeys(key for point in scored for key in point.changes):
        by_value: dict[str, list[float]] = defaultdict(list)
        for point in scored:
            if key in point.changes and point.score is not None:
                by_value[str(point.changes[key])].append(point.score)
        means = {value: statistics.fmean(scores) for value, scores in by_value.items()}
        if len(means) > 1:
            found.append(Effect(key, max(means.values()) - min(means.values()), means))
    return sorted(found, key=lambda one: -one.spread)


def words_of(best: Point, found: Sequence[Effect]) -> str:
    """A grid's answer: the best values, and which key made the difference."""
    chosen = ", ".join(f"{key} = {value}" for key, value in best.changes.items())
    if not found:
        return f"Best: {chosen}."
    told = [f"{one.key} moves the loss by {one.spread:.3f}" for one in found]
    return (
        f"Best: {chosen}. {told[0]}" + (f", {', '.join(one for one in told[1:])}" if told[1:] else "") + "."
    )


def enough(points: Sequence[Point], measure: Measure) -> tuple[Enough, str]:
    """Whether more rows would help: the last gain, and the next one if they go on as they did.

    Losses fall with data about as a power law (Hestness et al., "Deep Learning Scaling is Predictable,
    Empirically", 2017), so each doubling gains a constant share of what the one before gained. Only
    held-out loss can tell: training loss is lower with fewer rows, which are sooner known by heart.
    """
    curve = sorted((float(one.changes[SHARE]), one.score) for one in points if one.score is not None)
    if measure != "held-out loss" or len(curve) < 2:
        why = "at least two runs must finish" if len(curve) < 2 else "no held-out rows were measured"
        return "cannot tell", f"Whether more rows would help cannot be told: {why}."
    (_, before), (share, last) = curve[-2:]
    gain = (before - last) / before if before else 0.0
    rows = f"From {curve[-2][0]:.0%} to {share:.0%} of the rows"
    told = f"{rows} the held-out loss went from {before:.4f} to {last:.4f}"
    if gain <= NOISE:
        return "more would not help", f"{told}: more rows of this kind would not help."
    ahead = gain
    if len(curve) > 2:
        first = (curve[-3][1] - before) / curve[-3][1]
        ahead = gain * min(1.0, gain / first) if first > 0 else gain
    return "more would help", f"{told}: as many again would bring about {ahead:.1%} more."
