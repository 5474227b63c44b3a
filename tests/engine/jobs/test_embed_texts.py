"""Vectors for the front end, from a process of their own; without one, groups are made all the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.evals.triage.clustering import MOST, SEVERAL, cluster
from engine.jobs.embed_texts import configured, embed
from store.records.triage import Failure, Guess
from store.records.workspace import Knowledge
from store.workspace import Workspace


def complaints(*texts: str) -> list[Failure]:
    guess = Guess("behaviour", "complaint", "")
    return [Failure(f"c/{n}", "c", str(n), "", "", guess, comment=text) for n, text in enumerate(texts)]


WORDS = [f"word{chr(97 + n) * 5}" for n in range(SEVERAL)]


def test_texts_that_an_embedder_finds_alike_are_one_group() -> None:
    asked: list[Sequence[str]] = []

    def alike(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        asked.append(texts)
        return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))

    assert len(cluster(complaints(*WORDS))) > 1
    assert len(cluster(complaints(*WORDS), alike)) == 1
    assert len(asked) == 1


def test_too_few_texts_and_too_many_are_not_embedded_and_a_failure_costs_nothing() -> None:
    def never(texts: Sequence[str]) -> None:
        raise AssertionError

    assert cluster(complaints(*WORDS[: SEVERAL - 1]), never)
    assert cluster(complaints(*(f"word {n}" for n in range(MOST + 1))), never)
    assert cluster(complaints(*WORDS), lambda texts: None) == cluster(complaints(*WORDS))


def test_a_model_that_is_none_gives_no_vectors(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"nothing")

    assert embed(tmp_path / "broken.gguf", ["a", "b"]) is None


def test_the_workspaces_embedder_tells_meanings_apart(workspace: Workspace) -> None:
    assert configured(workspace) is None  # it searches no documents, so it has no embedder
    workspace.config.knowledge["docs"] = Knowledge(["knowledge"])
    found = configured(workspace)
    assert found is not None
    rows = found(["I was charged twice", "two payments were taken", "the parcel is late"])

    assert rows is not None
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)
    assert float(rows[0] @ rows[1]) > float(rows[0] @ rows[2])
