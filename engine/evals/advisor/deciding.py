"""The rules by which the advisor decides, in their order. It advises; it never blocks anything.

    1. fewer than FEWEST cases                              not_yet   cases
    2. the bare prompt passes ENOUGH                        not_yet   none
    3. approaches that are better than the bare prompt (interval and exact test agree, and by at least GAIN)
       and than one and the same answer to every case, also after Holm's correction for how many were tried:
       the cheapest of them that no dearer one beats by GAIN, or that brings MOST of what the dearer ones do
         prompt or few_shot     prompt      retrieval      retrieval
         adapter                tune        hybrid         hybrid
       tune and hybrid only with the rule of triage (top 20 named, half behavioural); else not_yet;
       no adapter alone where FACTS of the answers are facts that will change: those are retrieved
    4. the right passages help and the search does not      retrieval  retrieval
    5. another model, where one was measured, helps         other_base base
    6. DOUBTFUL of the cases have a wrong reference, or of
       the rows disagree                                    fix_data  labels
    7. not even few-shot with the right passages reaches
       WEAK, nor does an adapter; not_yet while none was
       measured (it is cheaper than another base), or
       where the passages hold not even HELD of the answers other_base base
    8. nothing helps                                        not_yet

Knows nothing of runs, prompts and money.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.evals.advisor import sentences
from engine.evals.advisor.measuring import Results, difference, measured, share_of
from engine.evals.comparison.verdicts import LEVEL
from engine.evals.stats import holm
from store.records.advice import Advice, AdviceVerdict, Approach, Binding, Measured, Signs, Taken
from store.records.comparing import Difference

FEWEST = 20
ENOUGH = 0.95
GAIN = 0.05
MOST = 0.85
DOUBTFUL = 0.1
WEAK = 0.3
HELD = 0.5
FACTS = 0.5
SHIPPABLE: tuple[Approach, ...] = ("prompt", "few_shot", "retrieval", "adapter", "hybrid")
VERDICTS: dict[Approach, AdviceVerdict] = {
    "prompt": "prompt",
    "few_shot": "prompt",
    "retrieval": "retrieval",
    "adapter": "tune",
    "hybrid": "hybrid",
}
Lines = Mapping[Approach, Measured]


def advise(
    suite: str,
    results: Results,
    runs: Mapping[Approach, str],
    signs: Signs,
    unmeasured: Mapping[Approach, str],
    taken: Mapping[Approach, Taken] | None = None,
) -> Advice:
    """The advice on what was measured; `unmeasured` says why something was not, `taken` what answers took."""
    lines = measured(results, runs, taken)
    verdict, candidate = decide(lines, results, signs)
    binding = binding_of(lines, results, signs, verdict, candidate)
    constant = share_of(results.get("constant", ()))
    return Advice(
        verdict,
        binding,
        sentences.headline(verdict, binding, candidate, lines, signs, constant),
        sentences.beyond(candidate, better_than(candidate, lines, results), lines)
        + sentences.further_remarks(lines, signs),
        sorted(lines.values(), key=lambda line: -line.score),
        sentences.missing_evidence(lines, signs, unmeasured, FEWEST, constant),
        sentences.when_more_tuning(lines),
        suite=suite,
        candidate=candidate or "",
    )


def decide(lines: Lines, results: Results, signs: Signs) -> tuple[AdviceVerdict, Approach | None]:
    """The verdict, and the approach that it is about (None where it is about none)."""
    bare = lines.get("bare")
    if bare is None or bare.n < FEWEST:
        return "not_yet", None
    if bare.score >= ENOUGH:
        return "not_yet", "bare"
    gaining = sure_gains(lines, results)
    best = cheapest_good(lines, results, signs, gaining)
    if best is not None:
        verdict = VERDICTS[best]
        if verdict in ("tune", "hybrid") and not signs.ready:
            return "not_yet", best
        return verdict, best
    if "gold" in gaining:
        return "retrieval", "gold"
    if "adapter" in gaining:  # and was left out for what it would learn by heart
        return "not_yet", "adapter"
    if "other" in gaining:
        return "other_base", "other"
    if max(signs.noise_share, signs.conflicts or 0.0) >= DOUBTFUL:
        return "fix_data", None
    if looks_weak(lines) and holds_answers(lines) and "adapter" in lines and lines["adapter"].score < WEAK:
        return "other_base", None
    return "not_yet", None


def looks_weak(lines: Lines) -> bool:
    """Whether rows to follow and the right passages are not enough for the base."""
    return "gold" in lines and lines["gold"].score < WEAK


def holds_answers(lines: Lines) -> bool:
    """Whether the right passages hold the answers, as far as one can tell: else no base could read them."""
    held = lines["gold"].held
    return held is None or held >= HELD


def memorises(signs: Signs) -> bool:
    """Whether an adapter would learn facts by heart that will change."""
    return (signs.perishable or 0.0) >= FACTS


def cheapest_good(
    lines: Lines, results: Results, signs: Signs, gaining: Collection[Approach]
) -> Approach | None:
    """The cheapest approach that gains and is not worth less than a dearer one that does."""
    usable = [name for name in SHIPPABLE if name in gaining and not (name == "adapter" and memorises(signs))]
    for place, name in enumerate(usable):
        dearer = better_than(name, lines, results)
        if not any(one in usable[place + 1 :] and not brings_most(lines, name, one) for one in dearer):
            return name
    return None


def better_than(name: Approach | None, lines: Lines, results: Results) -> list[Approach]:
    """The dearer approaches that surely get more right than `name` does."""
    if name not in SHIPPABLE:
        return []
    dearer = SHIPPABLE[SHIPPABLE.index(name) + 1 :]
    return [one for one in dearer if one in lines and beats(difference(results, name, one))]


def brings_most(lines: Lines, name: Approach, dearer: Approach) -> bool:
    """Whether an approach brings MOST of what a dearer one gains: the rest can be had after it."""
    gain, more = lines[name].gain, lines[dearer].gain
    return gain is not None and more is not None and gain.diff >= MOST * more.diff


def sure_gains(lines: Lines, results: Results) -> set[Approach]:
    """The approaches that are better than the bare prompt, surely and by enough to be worth it.

    Better than a constant answer too: one that only learned the form, or the most frequent label, is no gain.
    Of several that know nothing one looks better by chance, the more often the more are tried; so their
    p-values are corrected for their number.
    """
    tried = [name for name, line in lines.items() if line.gain is not None]
    against = [
        [one for one in (lines[name].gain, difference(results, "constant", name)) if one is not None]
        for name in tried
    ]
    corrected = holm([max(one.p if one.diff > 0 else 1.0 for one in both) for both in against])
    found = zip(tried, against, corrected, strict=True)
    return {name for name, both, p in found if p <= LEVEL and all(map(beats, both))}


def beats(found: Difference | None) -> bool:
    """Whether a difference is sure, and at least GAIN."""
    return found is not None and found.verdict == "better" and found.diff >= GAIN


def binding_of(
    lines: Lines, results: Results, signs: Signs, verdict: AdviceVerdict, candidate: Approach | None
) -> Binding:
    """Which ceiling binds the bare prompt: what would have to give for it to be better."""
    bare = lines.get("bare")
    if bare is None or bare.n < FEWEST:
        return "cases"
    if verdict == "fix_data":
        return "labels"
    if verdict == "other_base":
        return "base"
    if candidate == "bare":
        return "none"
    if candidate == "gold" or beats(difference(results, "retrieval", "gold")):
        return "retrieval"
    if candidate in ("retrieval", "hybrid"):
        return "knowledge"
    if candidate == "adapter" and memorises(signs):
        return "knowledge"
    if candidate and signs.format_share >= 0.5:
        return "format"
    if candidate is None and looks_weak(lines):
        if not holds_answers(lines):
            return "knowledge"
        if "adapter" not in lines:
            return "base"
    return "behaviour" if candidate else "none"
