"""Rules about the passages: whether the right ones were found, used and up to date, and held to."""

from __future__ import annotations

from engine.evals.checks.retrieval import source_of
from engine.evals.triage.seen import Seen, failed_of, told
from engine.evals.triage.texts import facts, is_json
from store.records.evals import CaseResult
from store.records.triage import Guess

SHOWN = 3


def not_retrieved(result: CaseResult, seen: Seen) -> Guess | None:
    """The right source was not among the passages, or there were none."""
    missing = missing_sources(result)
    if not missing:
        return None
    found = ", ".join(dict.fromkeys(hit.doc for hit in result.hits)) or "nothing"
    return Guess("retrieval", "not_retrieved", f"{', '.join(missing)} was not found; found were {found}")


def stale_source(result: CaseResult, seen: Seen) -> Guess | None:
    """The answer is what a passage says, the expected one stands in none: the source may be out of date."""
    if not result.hits or not result.expected or is_json(result.expected):
        return None
    held = facts(passages(result))
    said, wanted = facts(result.output, result.input), facts(result.expected, result.input)
    if not wanted or not said or wanted <= held or not said <= held:
        return None
    return Guess(
        "knowledge", "stale_source", f"the passages say {listed(said)}, expected is {listed(wanted)}"
    )


def unsupported(result: CaseResult, seen: Seen) -> Guess | None:
    """The answer says what its passages do not."""
    check = failed_of(result, "citation_support")
    if check:
        return Guess("hallucination", "unsupported", told(check))
    invented = facts(result.output, result.input) - facts(passages(result))
    if result.hits and invented and not is_json(result.output):
        return Guess("hallucination", "invented", f"no passage says {listed(invented)}")
    return None


def not_used(result: CaseResult, seen: Seen) -> Guess | None:
    """The right source was in context and the answer is wrong all the same."""
    if not result.hits or not sources_found(result):
        return None
    return Guess("behaviour", "not_used", f"{result.expected_sources[0]} was in context and was not used")


def facts_without_source(result: CaseResult, seen: Seen) -> Guess | None:
    """The answer needs facts that no passage gave; one out of a closed set states none."""
    if result.expected is None or result.expected in seen.closed or result.hits:
        return None
    needed = facts(result.expected, result.input)
    if not needed:
        return None
    return Guess(
        "knowledge",
        "facts_without_source",
        f"no source in context, the answer needs {listed(needed)}",
    )


def missing_sources(result: CaseResult) -> list[str]:
    """The expected sources that no passage is from."""
    return [
        source
        for source in result.expected_sources
        if not any(source_of(source).is_in(hit) for hit in result.hits)
    ]


def sources_found(result: CaseResult) -> bool:
    """Whether sources are expected, and all of them were among the passages."""
    return bool(result.expected_sources) and not missing_sources(result)


def passages(result: CaseResult) -> str:
    """All that the model was given to read."""
    return " ".join(hit.text for hit in result.hits)


def listed(found: set[str]) -> str:
    """The first few facts, as evidence."""
    return ", ".join(sorted(found)[:SHOWN])
