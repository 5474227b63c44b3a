"""How well complaints are grouped: planted problems, several wordings and languages, with an embedder or not.

Pairs of complaints: of those put together, how many are of one problem (precision); of those of one problem,
how many were put together (recall). The limits were chosen on one half; the other was written afterwards.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from sklearn.metrics import v_measure_score

from engine.evals.triage.clustering import groups_of, space_of
from engine.jobs.embed_texts import embed
from engine.retrieval.sources import embedder_path
from scripts.real_runs.commands import Commands
from scripts.real_runs.planted_complaints import CHOSEN, OTHER, Planted
from store.workspace import Workspace

INSTRUCTION = "Sort the customer's message into one of our intents and answer in JSON: "
LEAST_PRECISION = 0.6
"""Under this a decision on a group would name many failures wrongly."""


def pairs(truth: list[int], found: list[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of pairs."""
    both = together = same = 0
    for one, other in combinations(range(len(truth)), 2):
        alike, joined = truth[one] == truth[other], found[one] == found[other]
        both, together, same = both + (alike and joined), together + joined, same + alike
    precision, recall = both / together if together else 1.0, both / same
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def measured(planted: Planted, language: str, model: Path | None, before: str = "") -> dict[str, float]:
    """The figures of one language, or of `all` together."""
    problems = [one for name, found in planted.items() if language in (name, "all") for one in found]
    truth = [number for number, wordings in enumerate(problems) for _ in wordings]
    texts = [before + text for wordings in problems for text in wordings]
    found = groups_of(texts, space_of(texts, partial(embed, model) if model else None))
    precision, recall, f1 = pairs(truth, found)
    return {
        "precision": round(precision, 2),
        "recall": round(recall, 2),
        "F1": round(f1, 2),
        "V": round(float(v_measure_score(truth, found)), 2),
    }


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """The table. The gate: precision, on the half that was not chosen on."""
    temper.run("init", temper.root, "--template", "blank") if not temper.root.exists() else None
    model = embedder_path(Workspace(temper.root), "builtin:minilm")
    found: dict[str, Any] = {}
    for name, planted in (("chosen on", CHOSEN), ("not seen before", OTHER)):
        for language in (*planted, "all"):
            found[f"{name}, {language}"] = measured(planted, language, None)
            found[f"{name}, {language}, with MiniLM"] = measured(planted, language, model)
    found["behind one instruction"] = measured(OTHER, "all", None, INSTRUCTION)
    held = [one["precision"] for name, one in found.items() if name.startswith("not seen")]
    return {"passed": min(held) >= LEAST_PRECISION} | found
