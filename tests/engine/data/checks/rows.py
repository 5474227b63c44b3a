"""Rows as set checks see them, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.checks.contract import Basis, Embed, SetCheck
from store.records.data import DatasetInfo, DatasetKind
from store.records.findings import CheckSettings, Finding

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def basis(
    pairs: Sequence[tuple[str, str]],
    *,
    kind: DatasetKind = "chat",
    heldout: Sequence[int] = (),
    metadata: Sequence[dict[str, str]] = (),
    contexts: Sequence[str] = (),
    rejected: Sequence[str] = (),
    labels: Sequence[bool | None] = (),
    embed: Embed | None = None,
) -> Basis:
    """Questions with their answers as rows r0, r1, ... on lines 1, 2, ...; `heldout` are indices."""
    rows = len(pairs)
    return Basis(
        info=DatasetInfo("d", 1, kind, "s", "", "", "", rows, rows),
        path=Path(),
        settings=CheckSettings(),
        rows=[f"r{at}" for at in range(rows)],
        lines=list(range(1, rows + 1)),
        splits=["heldout" if at in heldout else "train" for at in range(rows)],
        asked=[asked for asked, _ in pairs],
        answers=[answer for _, answer in pairs],
        metadata=list(metadata) or [{} for _ in pairs],
        embed=embed,
        progress=lambda done, total: None,
        contexts=list(contexts) or [""] * rows,
        rejected=list(rejected) or [""] * rows,
        labels=list(labels) or [None] * rows,
    )


def found(check: SetCheck, given: Basis) -> dict[str, Finding]:
    """What a check finds, by the id of the finding."""
    return {finding.id: finding for finding in check(given)}


def rows_of(finding: Finding) -> list[str]:
    """The ids of the rows that a finding names."""
    return [ref.row for ref in finding.rows]


def by_topic(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """An embedder that knows one thing: a text means its first word."""
    import zlib

    import numpy as np

    vectors = np.zeros((len(texts), 64), dtype=np.float32)
    for at, text in enumerate(texts):
        vectors[at] = np.random.default_rng(zlib.crc32(text.split()[0].encode())).normal(size=64)
        vectors[at] /= np.linalg.norm(vectors[at])
    return vectors
