"""One variant answers a suite: what is known already is taken over, the rest is asked, batched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

import msgspec

from engine.evals import stored
from engine.evals.identity import conversation
from engine.evals.run import Asking, CheckedCase, Item, Terms, blank, judged, run
from engine.evals.tools import tools_of
from engine.evals.trajectory import Answered
from engine.jobs.context import JobContext
from engine.jobs.energy import Joules, energy_counter
from engine.models.few_shot import given_away
from store import knowledge, runs
from store.hashing import sha256_of_text
from store.records.data import Message
from store.records.evals import CaseResult
from store.records.workspace import ResolvedVariant
from store.workspace import Workspace


class Evaluated(msgspec.Struct):
    """All results of a variant; `joules` that the GPU drew for an answer, where it counts them."""

    results: list[CaseResult]
    joules: float | None = None


def items_of(
    cases: Sequence[CheckedCase], variant: ResolvedVariant, epochs: int, say: Callable[[str, str], None]
) -> list[Item]:
    """Every case as often as it is to be asked, each time with a seed of its own."""
    if epochs > 1 and variant.sampling.temperature == 0:
        say(
            f"{variant.name} is asked once",
            "It samples at temperature 0, so every epoch would give the same answers.",
        )
        epochs = 1
    return [
        Item(case, checks, epoch, variant.sampling.seed + epoch)
        for epoch in range(epochs)
        for case, checks in cases
    ]


def given_away_by(variant: ResolvedVariant, items: Sequence[Item]) -> list[str]:
    """The cases that stand, with their answers, in the prompt of a variant that shows rows of a dataset."""
    if not variant.shots:
        return []
    cases = list({item.case.id: item.case for item in items}.values())
    asked = [[*conversation(case), *(Message("user", turn) for turn in case.turns)] for case in cases]
    return [cases[place].id for place in given_away(variant.shots, asked)]


def hash_of(workspace: Workspace, variant: ResolvedVariant) -> str:
    """Of all that answers: the variant, and the generation of its knowledge base."""
    if not variant.knowledge:
        return variant.sha256
    generation = knowledge.current(workspace.paths, variant.knowledge)
    return sha256_of_text(f"{variant.sha256}:{variant.knowledge}:{generation}")


def answers_of_earlier_runs(
    context: JobContext, workspace: Workspace, variant_hash: str
) -> dict[stored.Key, CaseResult]:
    """What this very variant has answered in other evaluations; of several answers the newest."""
    folders = runs.list_folders(workspace.paths.runs, "evaluate")
    others = [folder.results for folder in folders if folder.results != context.folder.results]
    return stored.answers_of(others, variant_hash)


def evaluate_variant(
    context: JobContext,
    workspace: Workspace,
    variant: ResolvedVariant,
    terms: Terms,
    items: Sequence[Item],
    results: stored.Results,
    done: Sequence[CaseResult],
    known: Mapping[stored.Key, CaseResult],
) -> Evaluated:
    """All items through one variant; `done` are results of this run from before it was interrupted, `known`
    answers that need not be asked for again.

    Raises Stopped between two cases when the user asked for it.
    """
    meter = context.progress(f"evaluate {variant.name}", len(items))
    made = list(done)
    meter.advance(len(made))

    def emit(result: CaseResult) -> None:
        results.append(result)
        made.append(result)
        meter.advance(len(made))

    have = {(result.case, result.epoch) for result in done}
    left = [item for item in items if (item.case.id, item.epoch) not in have]
    asked = []
    for item in left:
        empty = blank(terms, item)
        if answer := known.get(stored.key_of(empty)):
            emit(judged(stored.with_answer_of(empty, answer), item, terms.threshold))
        else:
            asked.append(item)
    if taken := len(left) - len(asked):
        said = f"{taken} of {len(items)} answers of {variant.name} were there already"
        context.notice(said, "They were taken over and judged anew; --fresh asks for all of them again.")
    if not asked:
        return Evaluated(made)
    # this machine's GPU idles while an API answers
    counter = None if variant.remote is not None else energy_counter(context.device)
    drawn = ask_variant(workspace, variant, terms, asked, emit, counter)
    answered = sum(not one.error for one in made[-len(asked) :])
    return Evaluated(made, drawn / answered if drawn is not None and answered else None)


def ask_variant(
    workspace: Workspace,
    variant: ResolvedVariant,
    terms: Terms,
    items: Sequence[Item],
    emit: Callable[[CaseResult], None],
    counter: Joules | None = None,
) -> float | None:
    """Load the variant and ask it; the joules that `counter` says it took to answer, without the loading."""
    # Only here, in the worker and with the device ours: these load llama.cpp and Chroma.
    from engine.inference.answers import Ask
    from engine.inference.opening import open_composition

    with ExitStack() as stack:
        searcher = None
        if variant.knowledge:
            from engine.retrieval.search import open_searcher

            searcher = open_searcher(workspace, variant.knowledge)
        timed = any(check.kind.name == "latency" for item in items for check in item.checks)
        composition = open_composition(variant, searcher, one_by_one=timed)
        stack.callback(composition.close)

        def ask(pending: Sequence[Asking]) -> Iterator[tuple[int, Answered]]:
            asks = [
                Ask(
                    one.trajectory.messages,
                    sampling=msgspec.structs.replace(variant.sampling, seed=one.item.seed),
                    tools=tools_of(one.item.case),
                    choices=one.item.case.choices,
                    per_byte=one.item.case.per_byte,
                )
                for one in pending
            ]
            for index, answer in composition.answer_many(asks):
                if not answer.error:
                    pending[index].prompt = composition.read(asks[index], answer.hits)
                yield index, answer

        before = counter() if counter else None
        run(terms, items, ask, emit)
        after = counter() if counter else None
        return after - before if before is not None and after is not None else None
