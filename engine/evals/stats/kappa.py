"""Agreement beyond chance between two who say yes or no: Cohen's kappa with an interval."""

from __future__ import annotations

from collections.abc import Callable

QUANTILE = 3.841458820694124
"""Of chi-squared with one degree of freedom, at 95%."""
STEPS = 60


def kappa(both: int, first: int, second: int, neither: int) -> float:
    """Cohen's kappa (1960) of a table of yes and no, (p - e) / (1 - e); 0 where chance alone would agree."""
    n = both + first + second + neither
    if n == 0:
        return 0.0
    same = (both + neither) / n
    one, other = (both + first) / n, (both + second) / n
    chance = one * other + (1 - one) * (1 - other)
    return (same - chance) / (1 - chance) if chance < 1 else 0.0


def kappa_interval(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """The 95% interval of kappa that Donner & Eliasziw (1992) get from the goodness of fit of the table.

    It takes both to say yes about as often, and holds the truth more often than the large-sample error with
    few answers or near 1 (docs/decisions/0026). From -1 to 1 where both always said the same one word.
    """
    n = both + first + second + neither
    p = (2 * both + first + second) / (2 * n) if n else 0.0
    if p in (0.0, 1.0):
        return -1.0, 1.0
    apart = p * (1 - p)

    def misfit(k: float) -> float:
        """Chi-squared of the table where kappa is k."""
        shares = (p * p + k * apart, 2 * apart * (1 - k), (1 - p) ** 2 + k * apart)
        seen = (both, first + second, neither)
        return sum(
            (count - n * share) ** 2 / (n * share) if share > 0 else (0.0 if not count else float("inf"))
            for count, share in zip(seen, shares, strict=True)
        )

    lowest = max(-p / (1 - p), -(1 - p) / p)
    best = min(1.0, max(lowest, 1 - (first + second) / (2 * n * apart)))
    return _border(misfit, best, lowest), _border(misfit, best, 1.0)


def _border(misfit: Callable[[float], float], fits: float, outer: float) -> float:
    """Where the misfit passes the quantile on the way from `fits` to `outer`; `outer` where it never does."""
    if misfit(outer) <= QUANTILE:
        return outer
    for _ in range(STEPS):
        middle = (fits + outer) / 2
        if misfit(middle) <= QUANTILE:
            fits = middle
        else:
            outer = middle
    return fits
