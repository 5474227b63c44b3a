"""The check `bleu`: BLEU as sacrebleu computes it, of a sentence and of all answers together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, wanted


class BleuOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`tokenize` as sacrebleu names it."""

    value: str | None = None
    tokenize: Literal["13a", "intl", "char", "none", "zh"] = "13a"
    lowercase: bool = False


def sentence_bleu(answer: str, right: Sequence[str], options: BleuOptions | None = None) -> float:
    """BLEU of one answer in [0, 1], with sacrebleu's defaults for a sentence (effective order, exponential
    smoothing).
    """
    from sacrebleu.metrics.bleu import BLEU

    options = options or BleuOptions()
    metric = BLEU(tokenize=options.tokenize, lowercase=options.lowercase, effective_order=True)
    return min(1.0, metric.sentence_score(answer, list(right)).score / 100)


def corpus_bleu(answers: Sequence[str], right: Sequence[Sequence[str]]) -> float:
    """BLEU of all answers in [0, 1], with sacrebleu's defaults. It is not the mean of those of sentences.

    Answers with fewer references than others have the rest left out, as sacrebleu allows.
    """
    from sacrebleu.metrics.bleu import BLEU

    if not answers:
        return 0.0
    most = max(map(len, right))
    # The first reference is always there; sacrebleu takes None for one that is missing.
    streams: list[Any] = [[one[at] if at < len(one) else None for one in right] for at in range(most)]
    return float(BLEU().corpus_score(list(answers), streams).score) / 100


def bleu(options: BleuOptions, bench: Bench) -> Judge:
    """BLEU of the answer against all right ones together."""

    def judge(reply: Reply) -> Verdict:
        score = sentence_bleu(reply.text, wanted(options.value, reply), options)
        return Verdict(score, f"BLEU {score * 100:.1f}")

    return judge


KINDS = (Kind("bleu", "BLEU, as in sacrebleu", BleuOptions, bleu, threshold=0.2, expects="expected"),)
