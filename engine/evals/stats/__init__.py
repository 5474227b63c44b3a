"""Statistics of eval scores. Pure: numbers in, numbers out; nothing here knows a case or a run.

shares.py    a single share: standard error, interval from the exact test
paired.py    passes and fails of two variants on the same cases: exact McNemar, interval of the difference
graded.py    scores in [0, 1]: intervals of a mean and of a paired difference, clusters
several.py   many tests at once: Holm's correction
power.py     how small a difference so many cases can show
kappa.py     agreement of two who say yes or no

How often the intervals hold the truth is measured by `scripts/real_input coverage`
(docs/decisions/0022-intervals.md, 0028-few-cases.md).
"""

from engine.evals.stats.graded import (
    clustered,
    difference_interval,
    mean_interval,
    paired_p,
)
from engine.evals.stats.paired import mcnemar_exact, score_interval
from engine.evals.stats.several import holm
from engine.evals.stats.shares import exact_interval, standard_error

__all__ = [
    "clustered",
    "difference_interval",
    "exact_interval",
    "holm",
    "mcnemar_exact",
    "mean_interval",
    "paired_p",
    "score_interval",
    "standard_error",
]
