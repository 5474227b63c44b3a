"""Detection of personal data on presidio's labelled sentences: precision and recall by type.

A find is right where it overlaps a labelled span of its own type; a labelled span is found where a find of
its type overlaps it. Types that Temper does not claim are listed with their counts.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from engine.data.privacy.detector import Detector
from engine.data.privacy.found import Found
from scripts.real_runs.commands import Commands

FILE = Path("guardrails/presidio_dev.json")
CLAIMED: dict[str, tuple[str, ...]] = {
    "CREDIT_CARD": ("card",),
    "EMAIL_ADDRESS": ("email",),
    "IBAN_CODE": ("iban",),
    "IP_ADDRESS": ("ip",),
    "PERSON": ("person",),
    "PHONE_NUMBER": ("phone",),
    "STREET_ADDRESS": ("address",),
    "US_DRIVER_LICENSE": ("national_id",),
    "US_SSN": ("national_id",),
    "ZIP_CODE": ("address",),
}
"""Labels of the set and the kinds that answer for them. Kinds that share a label share its false finds."""
LEAST_RECALL = {"CREDIT_CARD": 0.95, "EMAIL_ADDRESS": 0.95, "IBAN_CODE": 0.95, "US_SSN": 0.95}


class Score(msgspec.Struct):
    """Counts for one label: labelled spans found and not, and finds that no span of the kind explains."""

    found: int = 0
    missed: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        """Share of the labelled spans that were found; 1 for none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def precision(self) -> float:
        """Share of the finds that are right, by labelled spans; 1 for none."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Search every sentence. The gate: recall of what has a form of its own."""
    rows = json.loads((data / FILE).read_text(encoding="utf-8"))
    scores, unclaimed = measure(rows)
    figures: dict[str, Any] = {
        "passed": all(scores[label].recall >= least for label, least in LEAST_RECALL.items()),
        "rows": len(rows),
    }
    for label, score in scores.items():
        figures[label] = (
            f"precision {score.precision:.3f}, recall {score.recall:.3f} "
            f"({score.found} found, {score.missed} missed, {score.wrong} wrong)"
        )
    figures["not claimed"] = ", ".join(f"{label} {count}" for label, count in unclaimed.most_common())
    return figures


def measure(rows: list[dict[str, Any]]) -> tuple[dict[str, Score], Counter[str]]:
    """A score for each claimed label that occurs or was found, and the spans of all other labels, counted."""
    detector = Detector()
    scores: dict[str, Score] = {label: Score() for label in CLAIMED}
    unclaimed: Counter[str] = Counter()
    for row in rows:
        finds = detector.find(row["full_text"])
        for span in row["spans"]:
            label = span["entity_type"]
            if label not in CLAIMED:
                unclaimed[label] += 1
            elif any(one.kind in CLAIMED[label] and _overlap(one, span) for one in finds):
                scores[label].found += 1
            else:
                scores[label].missed += 1
        for one in finds:
            for label in _blamed(one, row["spans"]):
                scores[label].wrong += 1
    return {
        label: score for label, score in scores.items() if score.found + score.missed + score.wrong
    }, unclaimed


def _blamed(one: Found, spans: list[dict[str, Any]]) -> list[str]:
    """The labels that answer for a find which overlaps no span of any of them."""
    labels = [label for label, kinds in CLAIMED.items() if one.kind in kinds]
    explained = any(span["entity_type"] in labels and _overlap(one, span) for span in spans)
    if one.kind == "national_id":
        labels = ["US_SSN"] if one.detail == "US SSN" else ["US_DRIVER_LICENSE"]
    return [] if explained else labels


def _overlap(one: Found, span: dict[str, Any]) -> bool:
    return bool(one.start < span["end_position"] and span["start_position"] < one.end)
