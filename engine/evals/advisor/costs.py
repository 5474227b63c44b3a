"""Tokens, watts and hours as money, at the user's prices; from how many answers on training pays.

Every formula stands here and nowhere else. Knows no price by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from store.records.advice import Approach, CostSheet, Measured, Training
from store.records.workspace import Prices

THOUSAND, MILLION, HOUR = 1_000, 1_000_000, 3_600.0
TUNED: tuple[Approach, ...] = ("adapter", "hybrid")
Lines = Mapping[Approach, Measured]


def watts_of(line: Measured, prices: Prices) -> tuple[float | None, str]:
    """What the machine draws while it answers, and whether that was measured or is the user's figure."""
    if line.joules is not None and line.seconds:
        return line.joules / line.seconds, "measured"
    return prices.watts, "" if prices.watts is None else "prices"


def hourly(prices: Prices, watts: float | None) -> float | None:
    """An hour of this machine: its rent, or power times price; None where neither is known."""
    if prices.hour is not None:
        return prices.hour
    if watts is None or prices.kilowatt_hour is None:
        return None
    return watts / THOUSAND * prices.kilowatt_hour


def local_cost(line: Measured, prices: Prices) -> float | None:
    """A thousand answers on this machine.

    By the clock, several at once, as they were measured; where that was not seen, one after another.
    """
    price = hourly(prices, watts_of(line, prices)[0])
    each = line.latency_ms / THOUSAND if line.seconds is None else line.seconds
    return None if price is None else THOUSAND * each / HOUR * price


def hosted_cost(line: Measured, prices: Prices) -> float | None:
    """A thousand answers of a hosted model that reads and writes as many tokens."""
    if prices.hosted_input is None or prices.hosted_output is None:
        return None
    read = line.tokens - line.written
    return THOUSAND * (read * prices.hosted_input + line.written * prices.hosted_output) / MILLION


def with_costs(lines: Lines, prices: Prices, training: Training | None, hosted: Collection[Approach]) -> None:
    """Fill in what each approach costs; `hosted` are those whose model is paid for by the token."""
    for approach, line in lines.items():
        line.cost = hosted_cost(line, prices) if approach in hosted else local_cost(line, prices)
        if training is not None and approach in TUNED:
            line.training_seconds = training.seconds
            line.training_note, line.training_run = training.note, training.run_id


def sheet(
    lines: Lines, candidate: str, training: Training | None, prices: Prices, against: str = ""
) -> CostSheet:
    """The costs of a tuned small model against the other one that was measured, or else a hosted one.

    Where nothing was tuned, those of the candidate, or of the bare prompt. break_even = training / (hosted -
    local) answers, where hosted is dearer per answer.
    """
    found = CostSheet(prices.currency)
    small = small_of(lines, candidate)
    bare, other = lines.get("bare"), lines.get("other")
    if small is None or bare is None:
        found.missing = missing_prices(prices, prices.watts, False)
        return found
    found.approach, found.local = small.approach, small.cost
    found.watts, found.watts_from = watts_of(small, prices)
    found.against = against if other is not None else ""
    found.hosted = other.cost if other is not None else hosted_cost(bare, prices)
    found.missing = missing_prices(prices, found.watts, found.hosted is not None)
    price = hourly(prices, found.watts)
    if price is not None and training is not None and small.approach in TUNED:
        found.training = training.seconds / HOUR * price
    if found.local is not None and found.hosted is not None and found.training is not None:
        saved = (found.hosted - found.local) / THOUSAND
        found.break_even = found.training / saved if saved > 0 else None
    return found


def small_of(lines: Lines, candidate: str) -> Measured | None:
    """The line that the sheet is about: the candidate if it is tuned, else what is, else the candidate."""
    own = [] if candidate in ("gold", "other") else [candidate]  # neither is a small model to be shipped
    names = own if candidate in TUNED else [*TUNED, *own, "bare"]
    by_name: dict[str, Measured] = {line.approach: line for line in lines.values()}
    return next((by_name[name] for name in names if name in by_name), None)


def missing_prices(prices: Prices, watts: float | None, compared: bool) -> list[str]:
    """Keys of `[prices]` that would be needed and are not there; `compared`: the other side has its cost."""
    hosted = () if compared else ("hosted_input", "hosted_output")
    missing = [key for key in hosted if getattr(prices, key) is None]
    if prices.hour is None:
        missing += ["watts"] if watts is None else []
        missing += ["kilowatt_hour"] if prices.kilowatt_hour is None else []
    return missing
