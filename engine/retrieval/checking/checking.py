"""A check of a knowledge base: its questions asked of every arm, figures, differences, a pick, warnings.

Pure: arms come opened, progress goes to a callback that may raise to stop. Does not know how an arm is built.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from engine.retrieval.checking import comparing, warning
from engine.retrieval.checking.asking import LAST, Asked, ask_all, figures, latencies
from engine.retrieval.checking.expecting import Expecting, resolve
from engine.retrieval.checking.question_files import identity
from engine.retrieval.opened import Opened
from engine.retrieval.stages import Tools
from store.errors import UsageError
from store.records.kb_check import Arm, KbReport, Metric, Question, QuestionResult, Unresolved, Warnings
from store.records.workspace import Search

PUBLISHED = "published"
Progress = Callable[[str, int, int], None]
"""Told the phase, how much is done and how much there is."""


class Setup(msgspec.Struct):
    """An arm ready to be asked: its name, the opened generation, how it is searched, and with what."""

    name: str
    opened: Opened
    settings: Search
    tools: Tools
    seconds_to_build: float = 0.0


def check(
    setups: Iterator[Setup],
    questions: Sequence[Question],
    k: int,
    by: Metric,
    progress: Progress,
) -> tuple[KbReport, list[QuestionResult]]:
    """The report, and each question under each arm. `setups` begins with the published generation.

    Each setup is asked before the next is taken, so that only one needs to be open. Raises UsageError where
    no question can be scored, or none by `by`.
    """
    begin = time.perf_counter()
    published = next(setups)
    texts = {document.name: document.text for document in published.opened.documents}
    known, unresolved = resolve(questions, texts)
    need_questions(known, unresolved, published.opened.manifest.kb)
    need_metric(known, by)
    manifest = published.opened.manifest
    report = KbReport(
        kb=manifest.kb,
        generation=manifest.generation,
        k=k,
        questions=len(questions),
        questions_sha256=identity(questions),
        unreviewed=sum(one.unreviewed for one in questions),
        spans=sum(all(source.end is not None for source in one.sources) for one in known),
        arms=[],
        by=by,
        unresolved=unresolved,
    )
    results: list[QuestionResult] = []
    rows: dict[str, Sequence[dict[str, float]]] = {}

    def take(setup: Setup) -> Asked:
        phase = "questions" if setup is published else f"questions, {setup.name}"
        tell = partial(progress, phase)
        asked = ask_all(setup.opened, known, k, setup.settings, setup.tools, tell)
        report.arms.append(_arm(setup, asked))
        rows[setup.name] = asked.scores[LAST]
        results.extend(_results(setup.name, known, asked, k))
        return asked

    report.warnings = _warnings(published.opened, known, take(published), k)
    for setup in setups:
        take(setup)
    first = rows.pop(published.name)
    report.differences = comparing.compare(first, rows, by)
    report.pick, report.why = comparing.pick(report.differences, published.name)
    report.notices = notices(report, len(known))
    report.seconds = round(time.perf_counter() - begin, 3)
    return report, results


def need_questions(known: Sequence[Expecting], unresolved: Sequence[Unresolved], kb: str) -> None:
    """Raise UsageError where no question can be scored."""
    if not known:
        lines = [f"{one.question}: {one.why}" for one in unresolved[:5]]
        raise UsageError(
            "No question can be scored",
            f"None of {len(unresolved)} expects what is in {kb!r}.\n" + "\n".join(lines),
            f"Name documents as `temper kb show --kb {kb}` lists them.",
        )


def need_metric(known: Sequence[Expecting], by: Metric) -> None:
    """Raise UsageError where the arms are to be compared by tokens and no question names parts."""
    if by.startswith("token_") and not any(source.end for one in known for source in one.sources):
        raise UsageError(
            "No question names a part of a document",
            f"{by} is measured on parts, and all questions expect whole documents.",
            "Add `quotes`, or parts (refunds.md:120-240), or compare --by mrr.",
        )


def notices(report: KbReport, n: int) -> list[str]:
    """What to bear in mind when reading the figures."""
    told = []
    if n < comparing.ENOUGH:
        mrr = report.arms[0].stages[-1].figures["mrr"]
        told.append(
            f"{n} question{'s are' if n > 1 else ' is'} few: MRR may be anything from {mrr.low:.2f} to "
            f"{mrr.high:.2f}. Ask {comparing.ENOUGH} at least."
        )
    if report.unreviewed:
        told.append(
            f"{report.unreviewed} of {report.questions} questions were written by a model and not reviewed; "
            "they resemble their passages, so that real questions score lower."
        )
    return told


def _arm(setup: Setup, asked: Asked) -> Arm:
    chunks = len(setup.opened.chunks)
    return Arm(setup.name, chunks, figures(asked), latencies(asked), round(setup.seconds_to_build, 3))


def _results(arm: str, known: Sequence[Expecting], asked: Asked, k: int) -> Iterator[QuestionResult]:
    for one, scores, hits in zip(known, asked.scores[LAST], asked.hits, strict=True):
        found = [f"{hit.doc}:{hit.start}-{hit.end}" for hit in hits[:k]]
        yield QuestionResult(arm, one.question.id, one.question.question, scores, found)


def _warnings(opened: Opened, known: Sequence[Expecting], asked: Asked, k: int) -> Warnings:
    by_id = {chunk.id: chunk for chunk in opened.chunks}
    found = [
        (one.question.question, [by_id[hit.chunk] for hit in hits[:k]])
        for one, hits in zip(known, asked.hits, strict=True)
    ]
    return warning.look(opened.documents, opened.chunks, found, k)
