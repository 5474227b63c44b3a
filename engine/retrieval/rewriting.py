"""A question as it is searched for: as asked, rewritten by a model, or joined by an imagined answer.

HyDE: Gao, Ma, Lin and Callan, Precise Zero-Shot Dense Retrieval without Relevance Labels (ACL 2023). What a
model makes of a question is added to it and never replaces it: a model that wanders off must not lose the
question. Does not know which model writes.
"""

from __future__ import annotations

from collections.abc import Callable

Write = Callable[[str], str]
"""A prompt to its answer."""

LONGEST = 600
"""Characters of what a model writes that are used."""
PROMPTS = {
    "rewrite": "Write a short search query for the documentation that answers this question. Answer with the "
    "query alone.\n\nQuestion: {query}\nQuery:",
    "hyde": "Write two sentences, as they could stand in the documentation, that answer this question.\n\n"
    "Question: {query}\nAnswer:",
}


def searched_for(query: str, how: str, write: Write | None) -> tuple[str, str]:
    """What is searched for instead of `query`, and a note on how it came about."""
    if how == "as_asked" or not query.strip():
        return query, ""
    if write is None:
        return query, "as asked: [knowledge.NAME.search] names no query_model"
    written = " ".join(write(PROMPTS[how].format(query=query[:LONGEST])).split())[:LONGEST]
    if not written:
        return query, "as asked: the model wrote nothing"
    return f"{query}\n{written}", f"{'rewritten' if how == 'rewrite' else 'imagined'}: {written}"
