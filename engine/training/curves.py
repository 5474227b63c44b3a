"""A run's losses from its events, curves side by side, and whether two of them are one. Reads no files."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from store.records.comparison import Agreement, Curve, Verdict
from store.records.events import Evaluated, Event, Resumed, Step
from store.records.recipe import Recipe

LAST_PART = 0.25
"""The share of a run's steps, at their end, over which its training loss is averaged."""
SAME = 1e-6
CLOSE = 0.01


def take(curve: Curve, event: Event) -> None:
    """Put an event into a curve. A resumed run does steps again: what was told of them before is dropped."""
    match event:
        case Resumed():
            kept = sum(step <= event.step for step in curve.steps)
            del curve.steps[kept:], curve.losses[kept:]
            curve.heldout = [pair for pair in curve.heldout if pair[0] <= event.step]
        case Step():
            curve.steps.append(event.step)
            curve.losses.append(event.loss)
            curve.total = event.total
        case Evaluated():
            curve.heldout.append((event.step, event.loss))
        case _:
            pass


def curve_of(events: Iterable[Event]) -> Curve:
    """The curve that all events of a run make."""
    curve = Curve()
    for event in events:
        take(curve, event)
    return curve


def final_loss(losses: Sequence[float]) -> float | None:
    """The training loss at a run's end: the mean over its last quarter, since single steps are noisy."""
    if not losses:
        return None
    return statistics.fmean(losses[-max(1, round(len(losses) * LAST_PART)) :])


def agreement(one: Curve, other: Curve) -> Agreement:
    """How far two curves are apart on the steps that both have. No common step is a difference."""
    mine, theirs = (
        dict(zip(one.steps, one.losses, strict=True)),
        dict(zip(other.steps, other.losses, strict=True)),
    )
    common = [step for step in mine if step in theirs]
    if not common:
        return Agreement(0, 0.0, 0, "different")
    at = max(common, key=lambda step: abs(mine[step] - theirs[step]))
    largest = abs(mine[at] - theirs[at])
    whole = len(common) == max(len(mine), len(theirs))
    near = all(abs(mine[step] - theirs[step]) <= CLOSE * abs(mine[step]) for step in common)
    verdict: Verdict = "same" if largest <= SAME and whole else "close" if near else "different"
    return Agreement(len(common), largest, at, verdict)


def differences(recipes: Sequence[Recipe]) -> dict[str, list[Any]]:
    """The keys in which recipes differ, with the value of each."""
    flat = [flattened(msgspec.to_builtins(recipe)) for recipe in recipes]
    return {
        key: [one[key] for one in flat]
        for key in flat[0]
        if any(one[key] != flat[0][key] for one in flat[1:])
    }


def flattened(raw: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as one: `lora.rank`."""
    found: dict[str, Any] = {}
    for key, value in raw.items():
        found |= flattened(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return found
