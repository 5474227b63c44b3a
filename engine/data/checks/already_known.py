"""Rows that the model answers right as it is: asked, greedily, with the prompt that training would give it.

A seeded sample, since every row costs an answer. Right is the same text or the same JSON value, as the eval
check `exact` says; an answer in other words does not count. Loads llama.cpp or asks an API: for workers only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.data.checks.contract import Basis, CannotRun
from engine.evals.checks import CompiledCheck, compile_checks
from store import example_table
from store.errors import TemperError
from store.paths import find_workspace
from store.records.data import Example, Message
from store.records.evals import Case, Check
from store.records.findings import Finding
from store.records.workspace import ResolvedVariant, Sampling
from store.workspace import Workspace

LETTERS_PER_TOKEN = 2
"""Tokens are seldom shorter: this many letters of the expected answer get a token, and SPARE more."""
SPARE_TOKENS = 16
Answer = Callable[[Sequence[Message], int], str]
"""A conversation, and most tokens of its answer, to the answer."""


def check(basis: Basis) -> Iterator[Finding]:
    """Ask the model. Raises CannotRun unless the settings ask for it, with a model that can answer."""
    settings = basis.settings
    if not settings.known:
        raise CannotRun("the model was not asked: --known asks it")
    if not settings.model:
        raise CannotRun("no model was named: --model M is who is asked")
    root = find_workspace(basis.path.parent)
    if root is None:
        raise CannotRun("the dataset lies in no workspace, so models have no names")
    # Here, in a worker: these load llama.cpp and may convert the model first.
    from engine.inference.opening import open_composition
    from engine.models.variants import resolve

    variant = resolve(Workspace(root), settings.model)
    variant = as_trained(variant, settings.system, settings.template)
    composition = open_composition(variant)
    try:

        def answer(messages: Sequence[Message], most: int) -> str:
            return composition.answer(messages, False, Sampling(max_tokens=most)).text

        yield from ask(basis, answer)
    finally:
        composition.close()


def as_trained(variant: ResolvedVariant, system: str, template: str) -> ResolvedVariant:
    """The model behind the prompt that training gives it."""
    variant.system, variant.template = system or variant.system, template or variant.template
    variant.knowledge = None
    return variant


def ask(basis: Basis, answer: Answer) -> Iterator[Finding]:
    """A finding with the rows of the sample that `answer` gets right.

    Raises CannotRun where it could be asked none of them: that is no sign that it knows none.
    """
    judge = compile_checks([Check("exact")])[0]
    wanted = sample(basis)
    known: list[int] = []
    asked = failed = 0
    why = ""
    for at, example in read_rows(basis.path, wanted):
        basis.progress(asked, len(wanted))
        asked += 1
        try:
            if knows(example, answer, judge):
                known.append(at)
        except TemperError as error:  # the template refuses it, it is too long, an API gives no answer
            failed, why = failed + 1, error.happened
    if asked and failed == asked:
        raise CannotRun(f"none of {asked} rows could be asked: {why}")
    if not known:
        return
    name = basis.settings.model
    yield Finding(
        id="already_known",
        check="already_known",
        severity="info",
        title=f"{name} answers {len(known):,} of {asked:,} rows right already",
        count=len(known),
        rows=basis.refs(known),
        remedy="These teach little: keep some so that they are not forgotten, and add rows like the others",
        figures={"asked": asked, "known": len(known), "failed": failed},
    )


def sample(basis: Basis) -> list[int]:
    """Which rows to ask, in order: `known_rows` at most, of those with an answer that are not held out."""
    rows = [at for at, answer in enumerate(basis.answers) if answer.strip() and basis.splits[at] != "heldout"]
    size = min(basis.settings.known_rows, len(rows))
    return sorted(random.Random(basis.settings.seed).sample(rows, size))


def read_rows(path: Path, wanted: Sequence[int]) -> Iterator[tuple[int, Example]]:
    """Index and row of each that is wanted, which are in order."""
    left = set(wanted)
    begin = 0
    for batch in example_table.read_batches(path):
        for at in range(begin, begin + len(batch)):
            if at in left:
                yield at, batch[at - begin]
        begin += len(batch)


def knows(example: Example, answer: Answer, judge: CompiledCheck) -> bool:
    """Whether a row's last answer comes out as it stands there. Raises TemperError if it cannot be asked."""
    expected = example.messages[-1].content
    most = len(expected) // LETTERS_PER_TOKEN + SPARE_TOKENS
    case = Case(id=example.row, input="", expected=expected)
    return judge.result(answer(example.messages[:-1], most), case).passed
