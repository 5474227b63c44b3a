"""The job `kb_check`: questions asked of a knowledge base, and of others built beside it.

On the processor, as an ingest. What it builds lies in the run folder while it is asked, and is then removed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.jobs.context import JobContext, Phases
from engine.retrieval.checking import axes
from engine.retrieval.checking.question_files import read_questions
from engine.retrieval.sources import embedder_path
from store import atomic, knowledge
from store.errors import MissingError, UsageError
from store.records.kb_check import KbReport, Metric
from store.records.workspace import Knowledge
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.inference.embedder import Embedder
    from engine.retrieval.checking.checking import Setup
    from engine.retrieval.opened import Opened
    from engine.retrieval.ranking import Weights
    from store.records.knowledge import Manifest

REPORT = "report.json"
RESULTS = "questions.jsonl"


class KbCheckParams(msgspec.Struct):
    """Which questions of which knowledge base, how many places count, what is compared by which metric."""

    kb: str
    questions: str
    k: int = 5
    arms: list[axes.Choice] = []
    by: Metric = "mrr"


def need_arms(workspace: Workspace, params: KbCheckParams) -> None:
    """Raise UsageError or MissingError for an arm that cannot be: better told now than after an hour."""
    settings = workspace.knowledge(params.kb)
    for choice in params.arms:
        changed = axes.settings_with(settings, choice)
        embedder_path(workspace, changed.embedder)
        reranker = changed.search.reranker
        if reranker and not workspace.path(reranker).is_file():
            raise MissingError(
                "The reranker is not there", f"{workspace.path(reranker)} is no file.", "Check the path."
            )


def run(context: JobContext) -> dict[str, Any]:
    """Check; the result is {report}: a KbReport. Each question under each arm is in `questions.jsonl`."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # it does not queue for the GPU, so it must not take any of it
    from engine.retrieval.checking.checking import check

    params = context.params(KbCheckParams)
    workspace = context.workspace()
    questions = read_questions(Path(params.questions))
    need_arms(workspace, params)
    for choice in params.arms:
        weights_of(choice)
    with ExitStack() as stack:
        setups = stack.enter_context(closing(Arms(context, workspace, params, stack).each()))
        report, results = check(setups, questions, params.k, params.by, Phases(context).advance)
    artifacts = context.folder.artifacts
    artifacts.mkdir(exist_ok=True)
    atomic.write_bytes(artifacts / REPORT, msgspec.json.format(msgspec.json.encode(report)))
    atomic.write_bytes(artifacts / RESULTS, b"".join(msgspec.json.encode(one) + b"\n" for one in results))
    context.artifact("report", artifacts / REPORT, "report")
    context.artifact("questions", artifacts / RESULTS, "results")
    return {"report": msgspec.to_builtins(report)}


def report_of(result: dict[str, Any]) -> KbReport:
    """The report of a run that has finished."""
    return msgspec.convert(result["report"], KbReport)


class Arms:
    """The arms of a check, opened one after the other; `stack` closes what stays open to the end."""

    def __init__(
        self, context: JobContext, workspace: Workspace, params: KbCheckParams, stack: ExitStack
    ) -> None:
        self._context = context
        self._workspace = workspace
        self._params = params
        self._stack = stack
        self._embedders: dict[Path, Embedder] = {}
        self._phases = Phases(context)

    def each(self) -> Generator[Setup, None, None]:
        """The published generation first."""
        from engine.retrieval.checking.checking import PUBLISHED
        from engine.retrieval.opened import Opened
        from engine.retrieval.sources import generation_embedder

        settings = self._workspace.knowledge(self._params.kb)
        published = Opened(knowledge.open_generation(self._workspace.paths, self._params.kb))
        self._stack.callback(published.close)
        embedder = self._embedder(generation_embedder(self._workspace, published.manifest))
        yield self._setup(PUBLISHED, published, settings, embedder)
        for choice in self._params.arms:
            changed = axes.settings_with(settings, choice)
            name, weights = axes.name_of(choice), weights_of(choice)
            if axes.is_built(choice):
                yield from self._built(name, changed, published.manifest, weights)
            else:
                yield self._setup(name, published, changed, embedder, weights)

    def _built(
        self, name: str, settings: Knowledge, published: Manifest, weights: Weights | None
    ) -> Generator[Setup, None, None]:
        """An arm with a knowledge base of its own, removed when the next arm is asked for."""
        from engine.jobs.ingest import index_settings
        from engine.retrieval.checking.beside import build_beside
        from engine.retrieval.readers import find_files

        begin = time.monotonic()
        workspace = self._workspace
        embedder = self._embedder(embedder_path(workspace, settings.embedder))
        files = find_files([workspace.path(source) for source in settings.sources], workspace.root)
        with tempfile.TemporaryDirectory(dir=self._context.folder.path, prefix="beside-") as folder:
            opened = build_beside(
                Path(folder),
                self._params.kb,
                files,
                embedder,
                msgspec.structs.replace(index_settings(settings, embedder), chroma=""),
                lambda phase, done, total: self._phases.advance(f"{phase}, {name}", done, total),
                self._writer(settings),
            )
            try:
                self._tell_changed(published, opened, name)
                yield self._setup(name, opened, settings, embedder, weights, time.monotonic() - begin)
            finally:
                opened.close()

    def _setup(
        self,
        name: str,
        opened: Opened,
        settings: Knowledge,
        embedder: Embedder,
        weights: Weights | None = None,
        seconds: float = 0.0,
    ) -> Setup:
        from engine.retrieval.checking.checking import Setup
        from engine.retrieval.ranking import WEIGHTS
        from engine.retrieval.search import AS_SET, Helpers
        from engine.retrieval.stages import Tools, settled

        helpers = Helpers(self._workspace, settings.search)
        self._stack.callback(helpers.close)
        asked = settled(AS_SET, settings.search)
        tools = Tools(embedder, helpers.writer(asked), helpers.reranker(asked), weights or WEIGHTS)
        return Setup(name, opened, settings.search, tools, seconds)

    def _embedder(self, path: Path) -> Embedder:
        from engine.inference.embedder import Embedder

        if path not in self._embedders:
            self._embedders[path] = self._stack.enter_context(Embedder(path))
        return self._embedders[path]

    def _writer(self, settings: Knowledge) -> Any:
        """The model that writes lines of context, where the settings name one."""
        if not settings.context_model:
            return None
        from engine.retrieval.context_model import ContextModel

        return self._stack.enter_context(
            ContextModel(self._workspace, settings.context_model, self._context.notice)
        )

    def _tell_changed(self, published: Manifest, opened: Opened, name: str) -> None:
        from engine.retrieval.checking.beside import other_documents

        if changed := other_documents(published, opened.manifest):
            self._context.notice(
                f"{name} has other documents than what is published",
                f"Changed since the last ingest: {', '.join(changed[:5])}"
                + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
                + f". To compare like with like: temper kb ingest --kb {self._params.kb}",
                warn=True,
            )


def weights_of(choice: axes.Choice) -> Weights | None:
    """The weights that a choice names. Raises UsageError for another number of them."""
    from engine.retrieval.ranking import Weights

    numbers = axes.weights_of(choice)
    if numbers is None:
        return None
    names = [field.name for field in msgspec.structs.fields(Weights)]
    if len(numbers) != len(names):
        raise UsageError(
            "That cannot be compared",
            f"weights={choice[axes.WEIGHTS]} has {len(numbers)} numbers.",
            f"Write {len(names)}, for {', '.join(names)}, with colons between.",
        )
    return Weights(*numbers)
