"""Advice in words and amounts, the same on the screen and on the command line."""

from __future__ import annotations

import math

from store.records.advice import Advice, Measured

BOTTLENECKS = {
    "none": "none found",
    "cases": "too few cases",
    "labels": "the labels",
    "base": "the base model",
    "behaviour": "behaviour",
    "format": "the form of the answers",
    "knowledge": "knowledge",
    "retrieval": "the search",
}


def named(line: Measured) -> str:
    """The approach as people write it."""
    return line.approach.replace("_", "-")


def cost_lines(advice: Advice) -> list[str]:
    """The cost sheet in sentences."""
    costs, lines = advice.costs, []
    currency = f" {costs.currency}".rstrip()
    against = f"of {costs.against}" if costs.against else "of a hosted model that reads and writes as much"
    if costs.local is not None:
        lines.append(f"a thousand answers here ({costs.approach}): {money(costs.local)}{currency}")
    if costs.hosted is not None:
        lines.append(f"a thousand answers {against}: {money(costs.hosted)}{currency}")
    if costs.training is not None:
        lines.append(f"training once: {money(costs.training)}{currency}{noted(advice)}")
    if costs.break_even is not None:
        lines.append(f"training pays from {costs.break_even:,.0f} answers on")
    elif costs.local is not None and costs.hosted is not None and costs.local >= costs.hosted:
        name = costs.against or "the hosted model"
        lines.append(f"{name} is cheaper per answer: training never pays by cost alone")
    if costs.watts is not None and costs.local is not None:
        source = "as the GPU counted it" if costs.watts_from == "measured" else "as temper.toml says"
        lines.append(f"power: {costs.watts:,.0f} W, {source}")
    if costs.missing:
        lines.append(f"to reckon with money, add to temper.toml: [prices] {', '.join(costs.missing)}")
    return lines


def money(amount: float) -> str:
    """An amount with two decimals, or as many as two digits of it take: `1,204.50`, `0.024`, `0.000093`."""
    places = 1 - math.floor(math.log10(amount)) if 0 < amount < 1 else 2
    return f"{amount:,.{max(2, places)}f}"


def noted(advice: Advice) -> str:
    """Where the seconds of training are from, in brackets."""
    notes = {line.training_note for line in advice.ranking if line.training_note}
    return f" ({', '.join(sorted(notes))})" if notes else ""
