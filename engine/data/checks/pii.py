"""The check for personal data: any row, any turn. The evidence in the report is masked.

What counts as personal data is known in engine.data.privacy.
"""

from __future__ import annotations

from engine.data.checks.contract import Kind
from engine.data.checks.private_text import PrivacyScan
from engine.data.privacy.found import NAMES, PII
from store.records.findings import CheckSettings

KINDS = tuple(
    Kind(
        f"pii/{kind}",
        "pii",
        "warn",
        f"{{count}} rows with {NAMES[kind]}",
        "temper data fix {dataset} --mask pii",
    )
    for kind in PII
)


def scans(settings: CheckSettings) -> PrivacyScan:
    """The scan of single rows."""
    return PrivacyScan(KINDS)
