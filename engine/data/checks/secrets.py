"""The check for secrets: keys, tokens, passwords, seed phrases. The report does not repeat them.

A model that was trained on a secret can be made to say it, and a key that stood in training data has leaked
already.
"""

from __future__ import annotations

from engine.data.checks.contract import Kind
from engine.data.checks.private_text import PrivacyScan
from engine.data.privacy.found import NAMES, SECRETS
from store.records.findings import CheckSettings

KINDS = tuple(
    Kind(
        f"secret/{kind}",
        "secret",
        "warn",
        f"{{count}} rows with {NAMES[kind]}",
        "temper data fix {dataset} --mask secrets",
    )
    for kind in SECRETS
)


def scans(settings: CheckSettings) -> PrivacyScan:
    """The scan of single rows."""
    return PrivacyScan(KINDS)
