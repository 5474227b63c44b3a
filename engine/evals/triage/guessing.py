"""A first guess at why a result failed, by rules in a fixed order, each with the evidence it saw.

Rules look at what is recorded: checks, passages, tool calls, other variants' answers. They are made to be
corrected by a person; none of them reads minds. Knows nothing of labels.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.evals.checks.refusal import is_refusal
from engine.evals.checks.retrieval import source_of
from store.hashing import sha256_of_text
from store.records.evals import CaseResult, CheckResult
from store.records.triage import Failure, Guess

FORMAT_CHECKS = ("json_schema", "regex", "choice")
TONE_CHECKS = ("length", "tone")
BUDGET_CHECKS = ("latency", "tokens")
SAFETY_CHECKS = ("safety", "pii", "injection", "secret")
CLOSED_LETTERS = 80
"""Answers no longer than this, when they come up again and again, are labels of a closed set."""
FACT = re.compile(r"\d[\d.,:/-]*|\b[A-Z][a-z]+(?:\s[A-Z][a-z]+)+")
AGREEING = 2
"""So many variants must give the same answer before the reference is doubted."""

TRUSTED, ENOUGH = 2 / 3, 10
"""A variant that passes so large a share of so many cases is believed where no judge was asked."""

Others = dict[str, list[CaseResult]]
"""Results of the same cases by other variants, by case id."""


def failures_of(results: Iterable[CaseResult], run_id: str, others: Others | None = None) -> list[Failure]:
    """The failed results of a run with a guess each; several epochs of a case that fail alike are one."""
    found: dict[str, Failure] = {}
    results = list(results)
    closed = closed_answers(others or {}, results)
    trusted = trusted_variants([*results, *(one for several in (others or {}).values() for one in several)])
    for result in results:
        if result.passed or not result.judged:
            continue
        guess = guess_of(result, (others or {}).get(result.case, []), closed, trusted)
        target = f"{result.suite}/{result.case}#{guess.rule}"
        if target in found:
            found[target].weight += 1
            continue
        found[target] = Failure(
            target,
            run_id,
            result.case,
            result.input,
            result.output,
            guess,
            expected=result.expected or "",
            variant=result.variant,
            source_in_context=bool(result.expected_sources) and not missing_sources(result),
        )
    return list(found.values())


def closed_answers(others: Others, results: Sequence[CaseResult]) -> set[str]:
    """Expected answers that are short and stand at more than one case: labels, not facts."""
    cases: dict[str, set[str]] = defaultdict(set)
    for result in [*results, *(one for several in others.values() for one in several)]:
        if result.expected is not None and len(result.expected) <= CLOSED_LETTERS:
            cases[result.expected].add(result.case)
    return {answer for answer, found in cases.items() if len(found) > 1}


def trusted_variants(results: Iterable[CaseResult]) -> dict[str, float]:
    """The share of cases that a variant passes, of those that pass enough of enough to be believed."""
    passed: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        passed[result.variant].append(result.passed)
    shares = {name: sum(found) / len(found) for name, found in passed.items() if len(found) >= ENOUGH}
    return {name: share for name, share in shares.items() if share >= TRUSTED}


def guess_of(
    result: CaseResult,
    others: Sequence[CaseResult] = (),
    closed: Iterable[str] = (),
    trusted: Mapping[str, float] | None = None,
) -> Guess:
    """The first rule that applies; behaviour where none does."""
    for rule in RULES:
        if guess := rule(result, others):
            return guess
    if guess := agreed_against(result, others, trusted or {}):
        return guess
    if result.expected is not None and result.expected not in closed:
        facts = [fact for fact in FACT.findall(result.expected) if fact not in result.input]
        if facts and not result.hits:
            shown = ", ".join(facts[:3])
            return Guess(
                "knowledge", "facts_without_source", f"no source in context, the answer needs {shown}"
            )
    return Guess("behaviour", "wrong_answer", _why(result) or "the answer is not the one expected")


def no_answer(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The model could not be asked."""
    return Guess("product", "no_answer", result.error) if result.error else None


def doubtful_reference(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The judge finds the answer right and two variants give it: the reference may be wrong."""
    judged = [check for check in result.checks if check.by or check.kind.startswith("judge")]
    against = [check for check in result.checks if not check.passed and check not in judged]
    if not against or result.expected is None or not judged or not all(check.passed for check in judged):
        return None
    mine = normal(result.output)
    agreeing = {one.variant for one in others if normal(one.output) == mine} | {result.variant}
    if not mine or len(agreeing) < AGREEING or mine == normal(result.expected):
        return None
    by = judged[0].by or judged[0].kind
    return Guess(
        "label_noise",
        "doubtful_reference",
        f"{by} finds the answer right, {', '.join(sorted(agreeing))} agree on it; "
        f"expected is {_short(result.expected)}",
    )


def agreed_against(
    result: CaseResult, others: Sequence[CaseResult], trusted: Mapping[str, float]
) -> Guess | None:
    """Two variants that are mostly right agree against the reference, and none gives it: weaker evidence."""
    mine, wanted = normal(result.output), normal(result.expected or "")
    if not mine or not wanted or any(normal(one.output) == wanted for one in others):
        return None
    same = [one for one in (result, *others) if normal(one.output) == mine and one.variant in trusted]
    different = {one.variant_hash or one.variant: one.variant for one in same}
    if len(different) < AGREEING or result.variant not in trusted:
        return None
    said = ", ".join(f"{name} ({trusted[name]:.0%} right)" for name in sorted(different.values()))
    return Guess(
        "label_noise",
        "agreed_against",
        f"{said} agree on {_short(result.output)}, expected is {_short(result.expected or '')}; "
        "no judge was asked",
    )


def unsafe(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """A check of safety failed."""
    check = _failed(result, SAFETY_CHECKS)
    return Guess("safety", "unsafe", f"{check.kind}: {check.detail}") if check else None


def wrong_tool(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """A call was expected and another was made, or none."""
    check = _failed(result, ("tool_call",))
    if check is None and result.expected_tool_calls is None:
        return None
    wanted = [call.name for call in result.expected_tool_calls or []]
    made = [call.name for call in result.tool_calls]
    if check is None and wanted == made:
        return None
    evidence = f"called {', '.join(made) or 'nothing'}" + (
        f", expected {', '.join(wanted)}" if wanted else ""
    )
    return Guess("tool", "wrong_tool", evidence + (f": {check.detail}" if check and check.detail else ""))


def wrongly_refused(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """It refuses where an answer is expected, or the check of refusals failed."""
    check = _failed(result, ("refusal",))
    if check:
        return Guess("refusal", "refusal_check", check.detail or "refuses, or answers, where it should not")
    if result.output and is_refusal(result.output) and not is_refusal(result.expected or ""):
        return Guess("refusal", "refused", f"the answer refuses: {_short(result.output)}")
    return None


def schema_invalid(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The answer does not have the form that is asked for."""
    check = _failed(result, FORMAT_CHECKS)
    if check:
        return Guess("format", f"invalid_{check.kind}", f"{check.kind}: {check.detail}")
    if result.finish_reason == "length":
        return Guess("format", "cut_off", "the answer was cut off at the most tokens it may have")
    if _is_json(result.expected) and not _is_json(result.output):
        return Guess("format", "not_json", "JSON is expected, the answer is none")
    return None


def not_retrieved(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The right source was not among the passages, or there were none."""
    missing = missing_sources(result)
    if not missing:
        return None
    found = ", ".join(dict.fromkeys(hit.doc for hit in result.hits)) or "nothing"
    return Guess("retrieval", "not_retrieved", f"{', '.join(missing)} was not found; found were {found}")


def stale_source(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The answer is what a passage says, the expected one stands in none: the source may be out of date."""
    if not result.hits or not result.expected or _is_json(result.expected):
        return None
    passages = " ".join(hit.text for hit in result.hits)
    said, wanted = _facts(result.output, result.input), _facts(result.expected, result.input)
    if not wanted or not said or wanted <= _facts(passages, "") or not said <= _facts(passages, ""):
        return None
    return Guess(
        "knowledge",
        "stale_source",
        f"the passages say {', '.join(sorted(said)[:3])}, expected is {', '.join(sorted(wanted)[:3])}",
    )


def unsupported(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The answer says what its passages do not."""
    check = _failed(result, ("citation", "support"))
    if check:
        return Guess("hallucination", "unsupported", f"{check.kind}: {check.detail}")
    invented = _facts(result.output, result.input) - _facts(" ".join(hit.text for hit in result.hits), "")
    if result.hits and invented and not _is_json(result.output):
        return Guess("hallucination", "invented", f"no passage says {', '.join(sorted(invented)[:3])}")
    return None


def not_used(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """The right source was in context and the answer is wrong all the same."""
    if not result.expected_sources or not result.hits or missing_sources(result):
        return None
    return Guess("behaviour", "not_used", f"{result.expected_sources[0]} was in context and was not used")


def wrong_tone(result: CaseResult, others: Sequence[CaseResult]) -> Guess | None:
    """Only length or tone is wrong."""
    failed = [check for check in result.checks if not check.passed]
    if failed and all(check.kind.startswith(TONE_CHECKS) for check in failed):
        return Guess("tone", "tone", f"{failed[0].kind}: {failed[0].detail}")
    if failed and all(check.kind.startswith(BUDGET_CHECKS) for check in failed):
        return Guess("product", "over_budget", f"{failed[0].kind}: {failed[0].detail}")
    return None


Rule = Callable[[CaseResult, Sequence[CaseResult]], Guess | None]
RULES: tuple[Rule, ...] = (
    no_answer,
    doubtful_reference,
    unsafe,
    wrong_tool,
    wrongly_refused,
    schema_invalid,
    wrong_tone,
    not_retrieved,
    stale_source,
    unsupported,
    not_used,
)
"""What is certain comes before what is likely; form before content."""


def missing_sources(result: CaseResult) -> list[str]:
    """The expected sources that no passage is from."""
    return [
        source
        for source in result.expected_sources
        if not any(source_of(source).is_in(hit) for hit in result.hits)
    ]


def normal(text: str) -> str:
    """An answer without what makes no difference: case, spacing, the order of JSON's keys."""
    try:
        return json.dumps(json.loads(text), sort_keys=True).casefold()
    except ValueError:
        return " ".join(text.casefold().split()).strip(".!")


def key_of(text: str) -> str:
    """A short name of a text, the same whenever it comes again."""
    return sha256_of_text(text)[:12]


def _failed(result: CaseResult, kinds: tuple[str, ...]) -> CheckResult | None:
    """The first failed check whose name begins with one of the kinds."""
    return next((one for one in result.checks if not one.passed and one.kind.startswith(kinds)), None)


def _why(result: CaseResult) -> str:
    failed = next((one for one in result.checks if not one.passed), None)
    return f"{failed.kind}: {failed.detail}" if failed else ""


def _facts(text: str, but: str) -> set[str]:
    return {fact.rstrip(".,:/-") for fact in FACT.findall(text) if fact not in but}


def _is_json(text: str | None) -> bool:
    if not text or not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= most else line[: most - 1] + "…")
