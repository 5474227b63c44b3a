"""What the advisor says, in plain words: the verdict, what else was noticed, and what evidence is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from store.records.advice import AdviceVerdict, Approach, Binding, Measured, Signs

NAMES: dict[Approach, str] = {
    "bare": "the prompt as it is",
    "prompt": "the improved prompt",
    "few_shot": "the prompt with a few rows",
    "gold": "the right passages",
    "retrieval": "retrieval",
    "adapter": "an adapter",
    "hybrid": "an adapter with retrieval",
    "other": "another model",
    "constant": "one constant answer",
}
SURE_CASES = 200
PERISHABLE = 0.1
ROOM = 0.1
Lines = Mapping[Approach, Measured]


def headline(
    verdict: AdviceVerdict,
    binding: Binding,
    candidate: Approach | None,
    lines: Lines,
    signs: Signs,
    constant: float | None = None,
) -> str:
    """The verdict in one or two sentences, with the figures behind it; `constant` is what one answer gets."""
    match verdict:
        case "prompt" | "tune" | "hybrid":
            what = {"prompt": "Change the prompt", "tune": "Train an adapter", "hybrid": "Do both"}
            return f"{what[verdict]}: {_from_to(candidate, lines)}."
        case "retrieval" if candidate == "gold":
            return f"Mend the search first: {_from_to('gold', lines)}; what is found now does not help."
        case "retrieval":
            return f"Retrieve: {_from_to('retrieval', lines)}."
        case "other_base" if candidate == "other":
            return (
                f"The base is too weak, try {signs.other or 'another'}: {_from_to('other', lines)}; nothing "
                "cheaper helps."
            )
        case "other_base":
            return f"The base is too weak, try another: {_weak(lines)}, nor does an adapter help."
        case "fix_data":
            return f"The labels disagree, mend them first: {_labels(signs)}. Figures on them mean little."
        case _:
            return f"Not yet: {_why_not(binding, candidate, lines, signs, constant)}."


def beyond(candidate: Approach | None, better: Sequence[Approach], lines: Lines) -> list[str]:
    """What dearer approaches would bring on top of the one that is advised."""
    if candidate is None:
        return []
    return [
        f"{NAMES[one].capitalize()} gets {100 * (lines[one].score - lines[candidate].score):.0f} points more "
        f"than {NAMES[candidate]}: measure again once that is done."
        for one in better
    ]


def further_remarks(lines: Lines, signs: Signs) -> list[str]:
    """What was noticed beside the verdict."""
    said = [
        f"{NAMES[approach].capitalize()}: {line.failed} answers could not be made (prompts too long for the "
        "model, as a rule) and count as wrong."
        for approach, line in lines.items()
        if line.failed
    ]
    if signs.conflicts:
        said.append(f"The labels disagree in {signs.conflicts:.0%} of the rows (temper data check).")
    if signs.noise_share:
        said.append(f"{signs.noise_share:.0%} of the cases may have a wrong reference (temper triage).")
    if (signs.perishable or 0.0) >= PERISHABLE:
        said.append(
            f"{signs.perishable:.0%} of the answers are facts that will change: retrieve them, do not train "
            "them."
        )
    elif signs.knowledge_share >= 0.5:
        said.append(
            f"{signs.knowledge_share:.0%} of the failures are facts without a source: retrieve them, do not "
            "train them."
        )
    if signs.serving_mismatch:
        said.append(f"The training prompt is not the serving prompt: {signs.serving_mismatch}.")
    if signs.behind_prompt:
        names = " and ".join(NAMES[approach] for approach in signs.behind_prompt)
        said.append(f"Measured behind the improved prompt, where passages do better: {names}. Change both.")
    said += _of_preferences(lines, signs)
    if signs.seen:
        said.append(
            f"{signs.seen} cases stand among the rows to train on: an adapter is not measured on these "
            "(temper data split)."
        )
    if signs.training is not None and signs.training.is_probe:
        part = f"{signs.training.steps} of {signs.training.whole} steps"
        said.append(f"The adapter is a probe of {part}: the whole run may get further.")
    if "gold" in lines and "retrieval" in lines:
        room = lines["gold"].score - lines["retrieval"].score
        if room >= ROOM:
            said.append(f"Better search could gain up to {100 * room:.0f} points more.")
    return said


def missing_evidence(
    lines: Lines,
    signs: Signs,
    unmeasured: Mapping[Approach, str],
    fewest: int,
    constant: float | None = None,
) -> list[str]:
    """What would make the advice surer; `constant` is what one constant answer gets."""
    said = []
    n = lines["bare"].n if "bare" in lines else 0
    if n < fewest:
        said.append(f"at least {fewest} cases, better {SURE_CASES}: there {'is' if n == 1 else 'are'} {n}")
    elif n < SURE_CASES:
        said.append(f"more cases: {n} tell large differences only, {SURE_CASES} would tell 5 to 10 points")
    reasons: dict[str, list[str]] = {}
    for approach, why in unmeasured.items():
        reasons.setdefault(why, []).append(NAMES[approach])
    said += [f"{', '.join(names)}: not measured, {why}" for why, names in reasons.items()]
    if not signs.ready and signs.why_not:
        said.append(signs.why_not + (f" ({signs.triage})" if signs.triage else ""))
    if signs.training is not None and "adapter" in lines and _has_begun(lines["adapter"], constant):
        said.append(
            f"whether the adapter is done: it gets {lines['adapter'].score:.0%} after "
            f"{signs.training.steps} steps, too little to be sure of a gain and too much for none "
            f"(--probe --probe-steps {2 * signs.training.steps}, or temper train RECIPE)"
        )
    if signs.conflicts is None:
        said.append("whether the labels agree: there are no rows to look at (--rows DATASET)")
    return said


def when_more_tuning(lines: Lines) -> list[str]:
    """When full or preference tuning would be worth it, and what is missing for saying so."""
    adapter = lines.get("adapter")
    so_far = f"the adapter gets {adapter.score:.0%}" if adapter else "no adapter was measured"
    return [
        f"Full tuning: when more rows and a higher rank no longer help an adapter ({so_far}); missing is a "
        "learning curve: temper train RECIPE --sweep learning-curve",
        "Preference tuning: when answers are right but not as people want them, with at least some hundred "
        "pairs of a better and a worse answer; missing are such pairs (votes and corrections of traces)",
    ]


def _has_begun(adapter: Measured, constant: float | None) -> bool:
    """Whether an adapter seems to be better than the bare prompt and than one constant answer, unsurely."""
    gain, least = adapter.gain, constant or 0.0
    if gain is None or gain.diff <= 0 or gain.verdict == "same" or adapter.score <= least:
        return False
    return gain.verdict != "better" or adapter.ci95[0] <= least


def _from_to(candidate: Approach | None, lines: Lines) -> str:
    """`retrieval gets 82% of 120 cases right, the prompt as it is 10% (+72 points, at least +64)`."""
    if candidate is None or "bare" not in lines:
        return "see the table"
    line, bare = lines[candidate], lines["bare"]
    gets = "get" if candidate == "gold" else "gets"
    text = f"{NAMES[candidate]} {gets} {line.score:.0%} of {line.n} cases right, "
    text += f"{NAMES['bare']} {bare.score:.0%}"
    if line.gain is not None:
        text += f" ({100 * line.gain.diff:+.0f} points, at least {100 * line.gain.ci95[0]:+.0f})"
    return text


def _weak(lines: Lines) -> str:
    gold = lines["gold"]
    given = "the right passages and rows to follow" if "few_shot" in lines else "the right passages"
    return f"even with {given} it gets only {gold.score:.0%} of {gold.n} cases right"


def _labels(signs: Signs) -> str:
    said = []
    if signs.conflicts:
        said.append(f"{signs.conflicts:.0%} of the rows answer the same question in another way")
    if signs.noise_share:
        said.append(f"in {signs.noise_share:.0%} of the cases the reference looks wrong")
    return " and ".join(said)


def _of_preferences(lines: Lines, signs: Signs) -> list[str]:
    """Nicer but less accurate: what the preference run says of itself, or the suite of it."""
    if signs.preference_cost:
        return [f"Nicer but less accurate: {signs.preference_cost}"]
    adapter = lines.get("adapter")
    if not signs.preferred or adapter is None or adapter.gain is None or adapter.gain.verdict != "worse":
        return []
    return [
        f"Nicer but less accurate: after preference tuning {adapter.score:.0%} of the cases are right, "
        f"{lines['bare'].score:.0%} without it."
    ]


def _why_not(
    binding: Binding, candidate: Approach | None, lines: Lines, signs: Signs, constant: float | None
) -> str:
    if binding == "cases":
        return "there are too few cases to tell anything"
    if candidate == "bare":
        return f"the prompt as it is gets {lines['bare'].score:.0%} right; there is little to mend"
    if candidate == "adapter" and binding == "knowledge":
        return (
            f"{_from_to(candidate, lines)}, but {signs.perishable or 0:.0%} of the answers are facts that "
            "will change, and it would learn them by heart"
        )
    if candidate is not None:
        return f"{_from_to(candidate, lines)}, but {signs.why_not or 'the failures have no names'}"
    if binding == "base":
        return f"{_weak(lines)}. Measure an adapter before another base (--probe)"
    if binding == "knowledge":
        return (
            f"{_weak(lines)}, and only {lines['gold'].held or 0:.0%} of the expected answers stand in these "
            "passages. Write the answers down where they can be found, or mend expected_sources"
        )
    bare = f"the prompt as it is ({lines['bare'].score:.0%})"
    if not constant:
        return f"nothing that was tried is surely better than {bare}"
    return (
        f"nothing that was tried is surely better than both {bare} and one constant answer ({constant:.0%})"
    )
