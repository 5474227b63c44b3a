"""Statistics of eval scores. Pure: numbers in, numbers out; nothing here knows a case or a run.

exact.py     a single share: Blaker's exact interval
shares.py    passes and fails: standard error, Wilson and paired intervals, exact McNemar
graded.py    scores in [0, 1]: intervals of a mean and of a paired difference, clusters
several.py   many tests at once: Holm's correction
power.py     how small a difference so many cases can show

How often the intervals hold the truth is measured by `scripts/real_input coverage`
(docs/decisions/0022-intervals.md, 0028-few-cases.md).
"""

from engine.evals.stats.exact import exact_interval
from engine.evals.stats.graded import (
    clustered,
    difference_interval,
    mean_interval,
    paired_p,
)
from engine.evals.stats.several import holm
from engine.evals.stats.shares import (
    mcnemar_exact,
    paired_interval,
    score_interval,
    standard_error,
    wilson_interval,
)

__all__ = [
    "clustered",
    "difference_interval",
    "exact_interval",
    "holm",
    "mcnemar_exact",
    "mean_interval",
    "paired_interval",
    "paired_p",
    "score_interval",
    "standard_error",
    "wilson_interval",
]
