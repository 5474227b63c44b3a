"""The held-out rows that the model finds easiest and hardest, as texts. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.rendering import IGNORED, Row
from engine.models.token_texts import TokenTexts
from store.records.batch import Sample, Samples
from store.records.outcome import RowScore

FILE = "samples.json"
MOST = 5
"""Of each kind; of few rows half of them are the best and the others the worst."""


def extremes(
    rows: Sequence[Row], scores: Sequence[RowScore], texts: TokenTexts, step: int, held_out: int
) -> Samples:
    """The rows with the lowest and the highest loss per token; of equals the earlier row is the lower."""
    pairs = [(row, one) for row, one in zip(rows, scores, strict=True) if one.tokens]
    order = sorted(pairs, key=lambda pair: -pair[1].log_prob / pair[1].tokens)
    best = order[: min(MOST, (len(order) + 1) // 2)]
    worst = order[len(best) :][-MOST:][::-1]
    tokens = sum(one.tokens for _, one in pairs)
    return Samples(
        step=step,
        rows=len(pairs),
        held_out=held_out,
        loss=-sum(one.log_prob for _, one in pairs) / max(tokens, 1),
        best=[sample(row, one, texts) for row, one in best],
        worst=[sample(row, one, texts) for row, one in worst],
    )


def sample(row: Row, one: RowScore, texts: TokenTexts) -> Sample:
    """One row as texts, parted where the first token with loss stands."""
    begin = next((at for at, label in enumerate(row.labels) if at and label != IGNORED), len(row.labels))
    return Sample(
        line=row.line,
        loss=-one.log_prob / one.tokens,
        accuracy=one.correct / one.tokens,
        tokens=one.tokens,
        prompt=texts.spelled(row.input_ids[:begin]) if begin > 1 else "",
        answer=texts.spelled(row.input_ids[begin if begin > 1 else 0 :]),
    )
