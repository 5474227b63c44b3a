"""A suite's cases through the approaches that share a model; known answers are taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.evals import stored
from engine.evals.run import Asking, Item, Terms, blank, judged, run
from engine.evals.tools import tools_of
from engine.evals.trajectory import Answered
from engine.jobs.advising.passages import GoldPassages, gold_passages
from engine.jobs.advising.ways import Way
from engine.jobs.evaluating.asking import hash_of
from engine.retrieval.prompt import with_context
from store import knowledge, runs
from store.hashing import sha256_of_text
from store.records.data import Message
from store.records.evals import CaseResult
from store.records.knowledge import Hit
from store.records.workspace import ResolvedVariant
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.inference.chat import Composition
    from engine.inference.remote import RemoteComposition

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

    `timed` is entered, with `asked_as` and the number of answers, around the asking of each approach.
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
            composition.variant = showing(variant, way.rows)
            answers = partial(answered, composition, variant, way, gold)
            with timed(asked_as(terms.suite, terms.variant_hash), len(items)):
                run(terms, items, answers, partial(emit, way))


def answered(
    composition: Composition | RemoteComposition,
    variant: ResolvedVariant,
    way: Way,
    gold: GoldPassages | None,
    pending: Sequence[Asking],
) -> Iterator[tuple[int, Answered]]:
    """One round of answers by an approach, each with the passages that it was given."""
    from engine.inference.answers import Ask

    given = [right_passages(one, way, variant, gold) for one in pending]
    asks = [
        Ask(
            with_context(one.trajectory.messages, hits),
            retrieval=way.passages == "found",
            system=way.system,
            sampling=msgspec.structs.replace(variant.sampling, seed=one.item.seed),
            tools=tools_of(one.item.case),
            choices=one.item.case.choices,
            per_byte=one.item.case.per_byte,
        )
        for one, hits in zip(pending, given, strict=True)
    ]
    for index, answer in composition.answer_many(asks):
        if not answer.error:
            pending[index].prompt = composition.read(asks[index], () if given[index] else answer.hits)
        yield index, msgspec.structs.replace(answer, hits=given[index] or answer.hits)


def asked_as(suite: str, variant_hash: str) -> str:
    """What the answers to a suite are known by: another suite asks longer or shorter questions."""
    return f"{suite}/{variant_hash}"


def showing(variant: ResolvedVariant, rows: Sequence[Message]) -> ResolvedVariant:
    """The variant with rows to follow behind those that it shows anyway, by a plain template too."""
    return msgspec.structs.replace(variant, shots=[*variant.shots, *rows])


def right_passages(
    asking: Asking, way: Way, variant: ResolvedVariant, gold: GoldPassages | None
) -> list[Hit]:
    """Those that an approach is given, none where it is given none."""
    return gold.of(asking.item.case, variant.top_k) if gold and way.passages == "gold" else []
