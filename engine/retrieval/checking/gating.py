"""What figures must reach, as it is typed, and whether they do. Light: for commands as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from store.errors import UsageError
from store.records.kb_check import KbReport, Metric


def limits(typed: Sequence[str]) -> dict[str, float]:
    """`mrr=0.8` as numbers. Raises UsageError for another measure or no number in 0..1."""
    found = {}
    for text in typed:
        metric, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if metric not in get_args(Metric) or not 0 <= number <= 1:
            raise UsageError(
                "That is no limit",
                f"Got {text!r}.",
                f"Write --min METRIC=0.8; METRIC: {', '.join(get_args(Metric))}.",
            )
        found[metric] = number
    return found


def refusals(report: KbReport, least: Mapping[str, float]) -> list[str]:
    """Why the published generation is refused: figures of the whole search below their limits."""
    figures = next((stage.figures for stage in report.arms[0].stages if stage.stage == "search"), {})
    told = []
    for metric, limit in least.items():
        if metric not in figures:
            told.append(f"{metric} is to be at least {limit:g}, and no question has it.")
        elif figures[metric].mean < limit:
            told.append(f"{metric} is {figures[metric].mean:.3f}, less than {limit:g}.")
    return told
