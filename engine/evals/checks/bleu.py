"""The checks `bleu` and `chrf`: as sacrebleu computes them, of a sentence and of all answers together.

What all answers come to is no mean of sentences: each verdict carries the counts that it was made of, and
engine.evals.checks.pooling makes one figure of them, that of sacrebleu's corpus score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, wanted
from engine.evals.checks.pooling import bleu_formula, bleu_of, chrf_formula, chrf_metric, chrf_of

Smooth = Literal["exp", "floor", "add-k", "none"]


class BleuOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Names and defaults are sacrebleu's. `effective_order` counts for a sentence, never for all together."""

    value: str | None = None
    tokenize: Literal["13a", "intl", "char", "none", "zh"] = "13a"
    lowercase: bool = False
    smooth_method: Smooth = "exp"
    smooth_value: float | None = None
    effective_order: bool = True


class ChrfOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Names and defaults are sacrebleu's; `word_order: 2` makes it chrF++."""

    value: str | None = None
    char_order: int = 6
    word_order: int = 0
    beta: int = 2
    lowercase: bool = False
    whitespace: bool = False


def bleu_counts(answer: str, right: Sequence[str], options: BleuOptions) -> list[float]:
    """What BLEU is made of: length of the answer and of the nearest reference in tokens; then for 1 to 4
    tokens how many n-grams are right; then how many there are.
    """
    from sacrebleu.metrics.bleu import BLEU

    # Unsmoothed: add-k writes what it adds into the counts.
    metric = BLEU(
        tokenize=options.tokenize, lowercase=options.lowercase, smooth_method="none", effective_order=True
    )
    score = metric.sentence_score(answer, list(right))
    return [float(one) for one in (score.sys_len, score.ref_len, *score.counts, *score.totals)]


def sentence_bleu(answer: str, right: Sequence[str], options: BleuOptions | None = None) -> float:
    """BLEU of one answer in [0, 1], by sacrebleu's defaults for a sentence (effective order, exponential
    smoothing).
    """
    options = options or BleuOptions()
    counts = bleu_counts(answer, right, options)
    return bleu_of(counts, options.smooth_method, options.smooth_value, options.effective_order)


def corpus_bleu(
    answers: Sequence[str], right: Sequence[Sequence[str]], options: BleuOptions | None = None
) -> float:
    """BLEU of all answers in [0, 1], by sacrebleu's defaults for a corpus. 0 without answers."""
    options = options or BleuOptions()
    pairs = zip(answers, right, strict=True)
    rows = [bleu_counts(answer, references, options) for answer, references in pairs]
    return (
        bleu_of([sum(column) for column in zip(*rows, strict=True)], options.smooth_method) if rows else 0.0
    )


def bleu(options: BleuOptions, bench: Bench) -> Judge:
    """BLEU of the answer against all right ones together."""
    _check_smoothing(options)
    formula = bleu_formula(options.smooth_method, options.smooth_value)

    def judge(reply: Reply) -> Verdict:
        counts = bleu_counts(reply.text, wanted(options.value, reply), options)
        score = bleu_of(counts, options.smooth_method, options.smooth_value, options.effective_order)
        return Verdict(score, f"BLEU {score * 100:.1f}", counts=counts, formula=formula)

    return judge


def chrf(options: ChrfOptions, bench: Bench) -> Judge:
    """chrF of the answer against the right one that it is nearest to."""
    if options.char_order < 1 or options.word_order < 0 or options.beta < 1:
        raise ValueError("chrf: `char_order` and `beta` are at least 1, `word_order` at least 0")
    formula = chrf_formula(options.char_order, options.word_order, options.beta)

    def judge(reply: Reply) -> Verdict:
        metric: Any = chrf_metric(
            options.char_order,
            options.word_order,
            options.beta,
            lowercase=options.lowercase,
            whitespace=options.whitespace,
        )
        references = [[one] for one in wanted(options.value, reply)]
        # The class gives a sentence's counts nowhere else; what they come to is tested against its scores.
        [counts] = metric._extract_corpus_statistics([reply.text], references)
        score = chrf_of(formula, counts)
        return Verdict(
            score, f"chrF {score * 100:.1f}", counts=[float(one) for one in counts], formula=formula
        )

    return judge


def _check_smoothing(options: BleuOptions) -> None:
    if options.smooth_value is not None and options.smooth_method not in ("floor", "add-k"):
        raise ValueError("bleu: `smooth_value` goes with `smooth_method` floor or add-k")
    if options.smooth_value is not None and options.smooth_value < 0:
        raise ValueError(f"bleu: `smooth_value` {options.smooth_value} is below 0")


KINDS = (
    Kind("bleu", "BLEU, as in sacrebleu", BleuOptions, bleu, threshold=0.2, expects="expected"),
    Kind("chrf", "chrF, as in sacrebleu", ChrfOptions, chrf, threshold=0.4, expects="expected"),
)
