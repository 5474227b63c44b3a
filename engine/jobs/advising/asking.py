"""A suite's cases through the approaches that share a model; known answers are taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path

import msgspec

from engine.evals import stored
from engine.evals.run import Asking, Item, Terms, blank, judged, run
from engine.evals.tools import tools_of
from engine.evals.trajectory import Answered
from engine.jobs.advising.passages import gold_passages
from engine.jobs.advising.ways import Way
from engine.jobs.evaluating.asking import hash_of
from engine.retrieval.prompt import with_context
from store import knowledge, runs
from store.hashing import sha256_of_text
from store.records.data import Message
from store.records.evals import CaseResult
from store.records.workspace import ResolvedVariant
from store.workspace import Workspace

Emit = Callable[[Way, CaseResult], None]
Timed = Callable[[str, int], AbstractContextManager[None]]


def untimed(by: str, count: int) -> AbstractContextManager[None]:
    """For whoever does not want to know how long it takes."""
    return nullcontext()


def identity_of(workspace: Workspace, way: Way, variant: ResolvedVariant) -> str:
    """What decides the answers of an approach. The variant as it is has the hash that `eval` gives it."""
    own = hash_of(workspace, variant)
    if way.system is None and not way.rows and not way.passages and not variant.knowledge:
        return own
    generation = knowledge.current(workspace.paths, way.knowledge) if way.knowledge else None
    parts = msgspec.json.encode([own, way.system, way.rows, way.passages, way.knowledge, generation])
    return sha256_of_text(parts.decode())


def earlier(workspace: Workspace, but: Path) -> list[Path]:
    """Results of other evaluations and advice, the newest first."""
    found = [
        folder
        for job in ("advise", "evaluate", "forgetting")
        for folder in runs.list_folders(workspace.paths.runs, job)
        if folder.results != but
    ]
    found.sort(key=lambda folder: folder.run_id.partition("-")[2], reverse=True)
    return [folder.results for folder in found]


def measure(
    workspace: Workspace,
    variant: ResolvedVariant,
    ways: Sequence[tuple[Way, Terms]],
    items: Sequence[Item],
    own: Path,
    emit: Emit,
    timed: Timed = untimed,
) -> None:
    """Every item through each approach; `emit` gets each result at once. The model is loaded if need be.

    `timed` is entered, with the hash and the number of answers, around the asking of each approach.
    """
    files = earlier(workspace, own)
    left = []
    for way, terms in ways:
        known = stored.answers_of(files, terms.variant_hash)
        asked = []
        for item in items:
            empty = blank(terms, item)
            if answer := known.get(stored.key_of(empty)):
                emit(way, judged(stored.with_answer_of(empty, answer), item, terms.threshold))
            else:
                asked.append(item)
        if asked:
            left.append((way, terms, asked))
    if left:
        ask(workspace, variant, left, emit, timed)


def ask(
    workspace: Workspace,
    variant: ResolvedVariant,
    ways: Sequence[tuple[Way, Terms, Sequence[Item]]],
    emit: Emit,
    timed: Timed = untimed,
) -> None:
    """Load the model once and ask what is left."""
    # Only here, in the worker and with the device ours: these load llama.cpp and Chroma.
    from engine.inference.answers import Ask
    from engine.inference.opening import open_composition

    bases = {way.knowledge for way, _, _ in ways if way.knowledge}
    with ExitStack() as stack:
        searcher, gold = None, None
        for kb in bases:  # one at most: all approaches search the same
            from engine.retrieval.search import open_searcher

            searcher = open_searcher(workspace, kb)
            gold = gold_passages(workspace, kb)
        composition = open_composition(variant, searcher)
        stack.callback(composition.close)
        for way, terms, items in ways:

            def answers(pending: Sequence[Asking], way: Way = way) -> Iterator[tuple[int, Answered]]:
                asks, hits = [], []
                for one in pending:
                    given = gold.of(one.item.case, variant.top_k) if gold and way.passages == "gold" else []
                    hits.append(given)
                    asks.append(
                        Ask(
                            with_context(with_rows(one, way), given),
                            retrieval=way.passages == "found",
                            system=way.system,
                            sampling=msgspec.structs.replace(variant.sampling, seed=one.item.seed),
                            tools=tools_of(one.item.case),
                        )
                    )
                for index, answer in composition.answer_many(asks):
                    yield index, msgspec.structs.replace(answer, hits=hits[index] or answer.hits)

            with timed(terms.variant_hash, len(items)):
                run(terms, items, answers, partial(emit, way))


def with_rows(asking: Asking, way: Way) -> list[Message]:
    """The conversation with the rows to follow before it; a system message of its own stays first."""
    messages = list(asking.trajectory.messages)
    start = 1 if messages and messages[0].role == "system" else 0
    return [*messages[:start], *way.rows, *messages[start:]]
