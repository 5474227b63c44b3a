"""What each category of failure calls for, and the command that does it where Temper can."""

from __future__ import annotations

from store.records.triage import Category, Failure

BEHAVIOURAL: frozenset[Category] = frozenset({"behaviour", "format", "tone", "tool", "refusal"})
"""What training can mend; besides these, hallucination with the right source in context."""

IMPORT, VARIANT = "temper data import FILE", "temper variants add"
ACTIONS: dict[Category, tuple[str, str]] = {
    "behaviour": ("Add rows that show the right answer, then train.", IMPORT),
    "format": ("Give the variant an output schema; if that costs too much, add rows.", VARIANT),
    "tone": ("Change the prompt; if it is not followed, add rows in the right tone.", VARIANT),
    "tool": (
        "Describe the tools better; add rows with the right calls.",
        "temper data import FILE",
    ),
    "refusal": ("Add rows that answer (or refuse) as they should.", IMPORT),
    "hallucination": (
        'Ask for answers from the passages only; add rows that say "I do not know".',
        "temper variants add",
    ),
    "retrieval": ("Mend the search: chunk size, missing documents, another embedder.", "temper kb check"),
    "knowledge": (
        "Retrieve these facts, from documents that are up to date.",
        "temper kb ingest",
    ),
    "safety": ("Put a guardrail around it first; then add rows.", ""),
    "label_noise": ("Correct the reference or the rows it came from.", "temper data check DATASET"),
    "product": ("Nothing a model can mend: take it to the product.", ""),
}


def is_behavioural(category: Category, failure: Failure) -> bool:
    """Whether training could mend a failure of this category."""
    return category in BEHAVIOURAL or (category == "hallucination" and failure.source_in_context)
