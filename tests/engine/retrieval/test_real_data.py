"""Documents and questions that nobody here wrote: a wallet's support articles, found by their titles.

The titles are not in the articles. `python -m scripts.real_runs retrieval` prints the figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.inference.embedder import Embedder
from scripts.real_runs.retrieval import STAGES, ask, reciprocal_ranks

STANDARD_ERROR = 0.05  # of a mean reciprocal rank over 77 questions


@pytest.mark.slow
def test_all_scores_together_find_more_than_the_better_part(
    shared_data: Path, tmp_path: Path, embedder: Embedder
) -> None:
    asked = ask("wallet", shared_data, tmp_path, embedder)
    found = {stage: reciprocal_ranks(asked, ranker).mean() for stage, ranker in STAGES.items()}
    assert len(asked.right) == 77
    assert found["all (the default)"] > max(found["meaning of passages"], found["words of passages"])
    assert found["all (the default)"] > 0.8 - STANDARD_ERROR
