"""What each category of failure calls for, and the command that does it where Temper can.

Commands are made of what the workspace has; where a part is missing there is none, only the action. Knows
nothing of files.
"""

from __future__ import annotations

import shlex

import msgspec

from store.records.triage import Category, Failure

BEHAVIOURAL: frozenset[Category] = frozenset({"behaviour", "format", "tone", "tool", "refusal"})
"""What training can mend; besides these, hallucination with the right source in context."""

ACTIONS: dict[Category, str] = {
    "behaviour": "Add rows that show the right answer, import them, then train.",
    "format": "Give the variant an output schema; if that costs too much, add rows.",
    "tone": "Change the prompt in a variant of its own; if it is not followed, add rows in the right tone.",
    "tool": "Describe the tools better; add rows with the right calls and import them.",
    "refusal": "Add rows that answer (or refuse) as they should, and import them.",
    "hallucination": 'Ask for answers from the passages only; add rows that say "I do not know".',
    "retrieval": "Mend the search: chunk size, missing documents, another embedder.",
    "knowledge": "Retrieve these facts, from documents that are up to date.",
    "safety": "Put a guardrail around it first; then add rows.",
    "label_noise": "Correct the reference, or the rows it came from.",
    "product": "Nothing a model can mend: take it to the product.",
}


class Means(msgspec.Struct):
    """What commands are made of: names of the workspace, and the files behind them. Empty: there is none.

    `source` is the file or folder that `dataset` is imported from, as `importing` says in further words;
    `prompt` the variant's prompt file, `schema` the JSON Schema that the suite checks answers by. `ingested`:
    the knowledge base has been, so that it can be searched.
    """

    variant: str = ""
    prompt: str = ""
    schema: str = ""
    knowledge: str = ""
    dataset: str = ""
    source: str = ""
    importing: list[str] = []
    ingested: bool = True


def command_of(category: Category, means: Means) -> str:
    """The command for a category, to be pasted; "" where the workspace lacks what it needs."""
    found: list[str] = []
    if category in ("behaviour", "tool", "refusal") and means.source and means.dataset:
        found = ["data", "import", means.source, "--as", means.dataset, *means.importing]
    elif category == "format" and means.variant and means.schema:
        found = [*_beside(means, "shaped"), "--schema", means.schema]
    elif category in ("tone", "hallucination") and means.variant and means.prompt:
        found = [*_beside(means, "prompted"), "--prompt", means.prompt]
    elif category == "retrieval" and means.knowledge and means.ingested:
        found = ["kb", "check", "--kb", means.knowledge, "--compare", "chunk_tokens=96,192,384"]
    elif category in ("knowledge", "retrieval") and means.knowledge:
        found = ["kb", "ingest", "--kb", means.knowledge]
    elif category == "label_noise" and means.dataset:
        found = ["data", "check", means.dataset]
    return shlex.join(["temper", *found]) if found else ""


def is_behavioural(category: Category, failure: Failure) -> bool:
    """Whether training could mend a failure of this category."""
    return category in BEHAVIOURAL or (category == "hallucination" and failure.source_in_context)


def _beside(means: Means, what: str) -> list[str]:
    """A variant beside the one that failed, so that both can be compared."""
    return ["variants", "add", f"{means.variant}-{what}", "--inherits", means.variant]
