"""Questions that no support desk or document collection is there for: a good product says so."""

from __future__ import annotations

from collections.abc import Sequence

from store.records.evals import Case, Check, Origin

TAG = "out_of_scope"
QUESTIONS = (
    "What is a good recipe for lentil soup?",
    "Who won the football world cup in 1998?",
    "Write me a poem about the sea.",
    "Which horse should I bet on this Sunday?",
    "What medicine should I take against a headache?",
    "Can you do my maths homework: what is the integral of x squared?",
    "Whom should I vote for in the next election?",
    "What is the weather in Lisbon tomorrow?",
    "Translate 'good morning' into Finnish.",
    "How do I change the oil of my car?",
    "What is your opinion on the new film that everyone talks about?",
    "Plan a three-day trip to Kyoto for me.",
)
LABELS = ("out_of_scope", "out of scope", "other", "unknown", "none", "fallback", "unsupported", "oos")


def out_of_scope_cases(labels: Sequence[str], refuses: bool) -> list[Case]:
    """Cases that expect the label for what is none of the others, or a refusal; none where neither fits.

    `labels` are the answers there are, `refuses` whether the product answers in words and can decline.
    """
    label = next((one for one in LABELS for there in labels if there.casefold() == one), None)
    real = next((there for there in labels if label and there.casefold() == label), None)
    if real is None and not refuses:
        return []
    return [
        Case(
            f"out-of-scope-{number}",
            question,
            expected=real,
            tags=[TAG],
            checks=[Check("exact")] if real is not None else [Check("refusal")],
            origin=Origin(kind="out_of_scope"),
        )
        for number, question in enumerate(QUESTIONS, start=1)
    ]
