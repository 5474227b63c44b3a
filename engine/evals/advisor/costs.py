"""Tokens, watts and hours as money, at the user's prices; from how many answers on training pays.

Every formula stands here and nowhere else. Knows no price by itself.
"""

from __future__ import annotations

from store.records.advice import Approach, CostSheet, Measured
from store.records.workspace import Prices

THOUSAND, MILLION, HOUR = 1_000, 1_000_000, 3_600.0


def hourly(prices: Prices) -> float | None:
    """An hour of this machine: rent, or power times price; None where neither is given."""
    if prices.hour is not None:
        return prices.hour
    if prices.watts is None or prices.kilowatt_hour is None:
        return None
    return prices.watts / THOUSAND * prices.kilowatt_hour


def local_cost(line: Measured, prices: Prices) -> float | None:
    """A thousand answers on this machine, one after another."""
    price = hourly(prices)
    return None if price is None else THOUSAND * line.latency_ms / THOUSAND / HOUR * price


def hosted_cost(read: float, written: float, prices: Prices) -> float | None:
    """A thousand answers of a hosted model at its prices per million tokens."""
    if prices.hosted_input is None or prices.hosted_output is None:
        return None
    return THOUSAND * (read * prices.hosted_input + written * prices.hosted_output) / MILLION


def sheet(
    line: Measured | None, read: float, written: float, training_seconds: float | None, prices: Prices
) -> CostSheet:
    """The costs of the approach advised against a hosted model that reads and writes as many tokens.

    break_even = training / (hosted - local) answers, where hosted is dearer per answer.
    """
    found = CostSheet(prices.currency, missing=missing_prices(prices))
    price = hourly(prices)
    found.local = local_cost(line, prices) if line is not None else None
    found.hosted = hosted_cost(read, written, prices)
    if price is not None and training_seconds is not None:
        found.training = training_seconds / HOUR * price
    if found.local is not None and found.hosted is not None and found.training is not None:
        saved = (found.hosted - found.local) / THOUSAND
        found.break_even = found.training / saved if saved > 0 else None
    return found


def missing_prices(prices: Prices) -> list[str]:
    """Keys of `[prices]` that would be needed and are not there."""
    missing = [key for key in ("hosted_input", "hosted_output") if getattr(prices, key) is None]
    if hourly(prices) is None:
        missing += [key for key in ("watts", "kilowatt_hour") if getattr(prices, key) is None]
    return missing


def with_costs(lines: list[Measured], prices: Prices, training: dict[Approach, float]) -> None:
    """Fill in what each approach costs."""
    for line in lines:
        line.cost = local_cost(line, prices)
        line.training_seconds = training.get(line.approach)
