"""Token by token: what the file chose and how it spread its probability, against a model in Transformers.

Compares on the file's own answers and on those of the rows, always after the same text. Gives figures, no
verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from engine.export.reference import Reference
from engine.export.ship.reading import Continuation, Findings
from engine.export.ship.scores import ScoreFile


class Compared(msgspec.Struct):
    """One text under file and reference. Per place: the reference's first choice and its `gaps`, the score of
    that less the score of the file's first choice: 0 where both are the same. `divergences` in nats, of the
    places whose scores were kept.
    """

    text: Continuation
    preferred: list[int]
    gaps: list[float]
    divergences: list[float]


class Measured(msgspec.Struct):
    """All texts of a file under one reference."""

    compared: list[Compared] = []

    @property
    def gaps(self) -> list[float]:
        """The gaps of every text in a row."""
        return [gap for one in self.compared for gap in one.gaps]

    @property
    def divergences(self) -> list[float]:
        """The divergences of every text in a row."""
        return [value for one in self.compared for value in one.divergences]

    @property
    def mean_divergence(self) -> float:
        """Their mean; 0 of none."""
        values = self.divergences
        return sum(values) / len(values) if values else 0.0

    @property
    def high_divergence(self) -> float:
        """Their 99th percentile by nearest rank: the smallest that 99% of them do not exceed; 0 of none."""
        values = sorted(self.divergences)
        return values[math.ceil(0.99 * len(values)) - 1] if values else 0.0

    def agreement(self, tie: float) -> float:
        """The share of places where both choose the same token, or one tied with it."""
        gaps = self.gaps
        return sum(gap < tie for gap in gaps) / len(gaps) if gaps else 0.0

    def prefix_agreement(self, tie: float) -> float:
        """The mean share of the file's own answers before the first token that is not the reference's.

        Up to there one pass of the reference over the answer is the same as letting it generate.
        """
        shares = [agreeing(one.gaps, tie) / len(one.gaps) for one in self.compared if one.text.own]
        return sum(shares) / len(shares) if shares else 0.0

    def first_difference(self, tie: float, spell: Callable[[int], str]) -> str:
        """Where the first text that differs does so, in words; empty where none does."""
        for number, one in enumerate(self.compared, start=1):
            at = agreeing(one.gaps, tie)
            if at < len(one.gaps):
                got, wanted = spell(one.text.chosen[at]), spell(one.preferred[at])
                return f"token {at + 1} of text {number}: {got!r} instead of {wanted!r}"
        return ""


def measure(
    findings: Findings,
    reference: Reference,
    count: Callable[[], None] = lambda: None,
    most: int | None = None,
) -> Measured:
    """Every text, or the first `most`, under the reference. `count` is called once per answer of the file."""
    measured = Measured()
    for text in findings.texts[:most]:
        measured.compared.append(compare(text, findings.scores, reference))
        if text.own:
            count()
    return measured


def compare(text: Continuation, scores: ScoreFile, reference: Reference) -> Compared:
    """One text under file and reference."""
    theirs = reference.logits(text.prompt, text.written)
    best = theirs.max(dim=-1)
    chosen = torch.tensor(text.chosen)
    gaps = best.values - theirs.gather(1, chosen[:, None])[:, 0]
    divergences = divergence(theirs[: text.kept].numpy(), scores.read(text.start, text.kept))
    return Compared(text, best.indices.tolist(), gaps.tolist(), divergences.tolist())


def divergence(reference: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """KL(reference || other) in nats per row of scores: sum of p (log p - log q) over the whole vocabulary.

    S. Kullback and R. A. Leibler, On information and sufficiency, Ann. Math. Stat. 22 (1951).
    In float64, since it is the small difference of large numbers; never below 0.
    """
    p, q = log_shares(reference), log_shares(other)
    values: npt.NDArray[np.float64] = (np.exp(p) * (p - q)).sum(axis=-1)
    return np.maximum(values, 0.0)


def log_shares(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scores as logarithms of probabilities."""
    wide = scores.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return wide


def agreeing(gaps: Sequence[float], tie: float) -> int:
    """How many places come before the first at which the choices differ."""
    return next((index for index, gap in enumerate(gaps) if gap >= tie), len(gaps))
