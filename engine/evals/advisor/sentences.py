"""What the advisor says, in plain words: the verdict, what else was noticed, and what evidence is missing."""

from __future__ import annotations

from collections.abc import Mapping

from store.records.advice import AdviceVerdict, Approach, Binding, Measured, Signs

NAMES: dict[Approach, str] = {
    "bare": "the prompt as it is",
    "prompt": "the improved prompt",
    "few_shot": "the prompt with a few rows",
    "gold": "the right passages",
    "retrieval": "retrieval",
    "adapter": "an adapter",
    "hybrid": "an adapter with retrieval",
}
SURE_CASES = 200
PERISHABLE = 0.1
Lines = Mapping[Approach, Measured]


def headline(
    verdict: AdviceVerdict, binding: Binding, candidate: Approach | None, lines: Lines, signs: Signs
) -> str:
    """The verdict in one or two sentences, with the figures behind it."""
    match verdict:
        case "prompt" | "tune" | "hybrid":
            what = {"prompt": "Change the prompt", "tune": "Train an adapter", "hybrid": "Do both"}
            return f"{what[verdict]}: {_from_to(candidate, lines)}."
        case "retrieval" if candidate == "gold":
            return f"Mend the search first: {_from_to('gold', lines)}; what is found now does not help."
        case "retrieval":
            return f"Retrieve: {_from_to('retrieval', lines)}."
        case "other_base":
            gold = lines["gold"]
            return (
                "The base is too weak, try another: even with rows to follow and the right passages before "
                f"it, it gets {gold.score:.0%} of {gold.n} cases right."
            )
        case "fix_data":
            return "The labels disagree: mend them before anything is measured or trained on them."
        case _:
            return f"Not yet: {_why_not(binding, candidate, lines, signs)}."


def further_remarks(lines: Lines, signs: Signs) -> list[str]:
    """What was noticed beside the verdict."""
    said = []
    if signs.conflicts:
        said.append(f"The labels disagree in {signs.conflicts:.0%} of the rows (temper data check).")
    if signs.noise_share:
        said.append(f"{signs.noise_share:.0%} of the failures may be wrong references (temper triage).")
    if (signs.perishable or 0.0) >= PERISHABLE or signs.knowledge_share >= 0.5:
        said.append("These answers are facts that will change: retrieve them, do not train them.")
    if signs.serving_mismatch:
        said.append(f"The training prompt is not the serving prompt: {signs.serving_mismatch}")
    if signs.preference_cost:
        said.append(f"Nicer but less accurate: {signs.preference_cost}")
    if "gold" in lines and "retrieval" in lines and lines["gold"].score - lines["retrieval"].score >= 0.1:
        said.append(
            f"Better search could gain up to {lines['gold'].score - lines['retrieval'].score:.0%} more."
        )
    return said


def missing_evidence(
    lines: Lines, signs: Signs, unmeasured: Mapping[Approach, str], fewest: int
) -> list[str]:
    """What would make the advice surer."""
    said = []
    n = lines["bare"].n if "bare" in lines else 0
    if n < fewest:
        said.append(f"at least {fewest} cases, better {SURE_CASES}: there are {n}")
    elif n < SURE_CASES:
        said.append(f"more cases: {n} tell large differences only, {SURE_CASES} would tell 5 to 10 points")
    said += [f"{NAMES[approach]} was not measured: {why}" for approach, why in unmeasured.items()]
    if not signs.ready and signs.why_not:
        said.append(f"{signs.why_not} (temper triage)")
    if signs.conflicts is None:
        said.append("whether the labels agree (temper data check DATASET)")
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


def _from_to(candidate: Approach | None, lines: Lines) -> str:
    """`retrieval gets 82% of 120 cases right, the prompt as it is 10% (+72 points, at least +64)`."""
    if candidate is None or "bare" not in lines:
        return "see the table"
    line, bare = lines[candidate], lines["bare"]
    text = f"{NAMES[candidate]} gets {line.score:.0%} of {line.n} cases right, "
    text += f"{NAMES['bare']} {bare.score:.0%}"
    if line.gain is not None:
        text += f" ({100 * line.gain.diff:+.0f} points, at least {100 * line.gain.ci95[0]:+.0f})"
    return text


def _why_not(binding: Binding, candidate: Approach | None, lines: Lines, signs: Signs) -> str:
    if binding == "cases":
        return "there are too few cases to tell anything"
    if candidate == "bare":
        return f"the prompt as it is gets {lines['bare'].score:.0%} right; there is little to mend"
    if candidate is not None:
        return f"{_from_to(candidate, lines)}, but {signs.why_not or 'the failures have no names'}"
    nothing = "nothing that was tried is surely better than the prompt as it is"
    if signs.constant:
        nothing += f" and than one and the same answer to every case ({signs.constant:.0%})"
    return nothing
