"""Human decisions: one line of `labels/*.jsonl` each, append-only and never derived from anything else."""

from __future__ import annotations

from typing import Literal

import msgspec

LabelKind = Literal["category", "vote", "correction", "finding", "conflict", "baseline"]


class Label(msgspec.Struct, omit_defaults=True):
    """One decision. A later label of the same kind and target replaces an earlier one.

    category: a failure category for a case result or trace, empty where a decision was taken back. vote:
    `up` or `down`. correction: the answer as it should be. finding: an accepted data finding. conflict: the
    answer that is right. baseline: a blessed eval run. `target` identifies what was decided upon; `by` is
    who, `time` ISO 8601 UTC.
    """

    kind: LabelKind
    target: str
    value: str
    by: str = ""
    time: str = ""
    note: str = ""
