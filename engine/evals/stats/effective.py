"""How sure a share is of which only its standard error was kept, not the answers behind it."""

from __future__ import annotations

from engine.evals.stats.shares import wilson_interval


def share_interval(share: float, stderr: float, n: int | None) -> tuple[float, float] | None:
    """The 95% interval of a share in [0, 1], from its standard error; None where that tells nothing.

    The Wilson interval at the effective number of cases, share (1 - share) / stderr²: so many independent
    ones would be as sure (L. Kish, Survey Sampling, 1965, 8.2; with it, A. Korn and B. Graubard, Confidence
    intervals for proportions with small expected number of positive counts, Survey Methodology 24, 1998).
    At 0 and 1 the standard error is 0 whatever the number: there `n` independent cases are taken, and without
    them nothing is said.
    """
    if 0.0 < share < 1.0 and stderr > 0.0:
        count = share * (1.0 - share) / (stderr * stderr)
    elif share in (0.0, 1.0) and n:
        count = float(n)
    else:
        return None
    return wilson_interval(share * count, count)
