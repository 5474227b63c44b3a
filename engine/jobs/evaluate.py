"""The job `evaluate`: a suite's cases through each variant, results on disk as they come, then the scores."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, BinaryIO

import msgspec

from engine.data.ensure import ensure_dataset
from engine.evals.baselines import NAME, majority_baseline
from engine.evals.cases import cases_of
from engine.evals.run import CheckedCase, evaluate
from engine.evals.suite import LoadedSuite, find_suite, load_suite
from engine.jobs.context import JobContext
from store import atomic, datasets, runs
from store.errors import UsageError
from store.records.data import Example
from store.records.evals import CaseResult, CasesFrom, VariantScore
from store.workspace import Workspace


class EvaluateParams(msgspec.Struct):
    """What to evaluate. `variants` empty means the default one; `limit`: that many cases, evenly spread."""

    suite: str
    variants: list[str] = []
    limit: int | None = None


def run(context: JobContext) -> dict[str, Any]:
    """Evaluate; the result is {suite, variants: [VariantScore], baselines: {majority: VariantScore}}."""
    params = context.params(EvaluateParams)
    workspace = context.workspace()
    loaded = load_suite(find_suite(workspace.root, params.suite), workspace.root)
    cases = checked_cases(workspace, loaded, params.limit)
    references: list[str | None] = list(dict.fromkeys(params.variants)) or [None]
    with Results(context.folder) as results:
        scores = [evaluate_variant(context, workspace, loaded, cases, name, results) for name in references]
    context.artifact("results", context.folder.results, "results")
    baseline = majority_baseline(loaded.suite.name, cases, training_answers(workspace, loaded))
    return {
        "suite": loaded.suite.name,
        "variants": [msgspec.to_builtins(score) for score in scores],
        "baselines": {NAME: msgspec.to_builtins(baseline)} if baseline else {},
    }


def evaluate_variant(
    context: JobContext,
    workspace: Workspace,
    loaded: LoadedSuite,
    cases: list[CheckedCase],
    reference: str | None,
    results: Results,
) -> VariantScore:
    """All cases through one variant. Raises Stopped between two cases when the user asked for it."""
    # Only here, in the worker and with the device ours: these load llama.cpp and Chroma.
    from engine.inference.chat import Composition
    from engine.models.variants import resolve

    variant = resolve(workspace, reference)
    meter = context.progress(f"evaluate {variant.name}", len(cases))
    done = 0

    def emit(result: CaseResult) -> None:
        nonlocal done
        results.append(result)
        done += 1
        meter.advance(done)

    with ExitStack() as stack:
        searcher = None
        if variant.knowledge:
            from engine.retrieval.search import open_searcher

            searcher = open_searcher(workspace, variant.knowledge)
        composition = Composition(variant, searcher)
        stack.callback(composition.close)
        return evaluate(loaded.suite.name, variant.name, cases, composition, emit)


class Results:
    """The run's results.jsonl: one line per case and variant, flushed, so that a kill keeps them."""

    def __init__(self, folder: runs.RunFolder) -> None:
        self._path = folder.results
        self._encoder = msgspec.json.Encoder()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Results:
        runs.end_torn_line(self._path)
        self._file = self._path.open("ab")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            atomic.sync_file(self._path)

    def append(self, result: CaseResult) -> None:
        """Write one line. Raises TemperError when the disk is full."""
        assert self._file is not None
        try:
            self._file.write(self._encoder.encode(result) + b"\n")
            self._file.flush()
        except OSError as error:
            raise atomic.disk_error(error, self._path) from error


def checked_cases(workspace: Workspace, loaded: LoadedSuite, limit: int | None) -> list[CheckedCase]:
    """The suite's cases, each with its checks ready to use. A dataset is imported first where needed."""

    def rows(reference: str) -> list[Example]:
        ensure_dataset(workspace, reference)
        return datasets.read_rows(workspace.paths, reference)

    if limit is not None and limit < 1:
        raise UsageError("A limit of no cases", f"Got {limit}.", "Give --limit 1 or more.")
    shared = loaded.compiled()
    return [
        (case, loaded.checks_of(case) if case.checks else shared) for case in cases_of(loaded, rows, limit)
    ]


def training_answers(workspace: Workspace, loaded: LoadedSuite) -> list[str]:
    """Answers of the train split of the dataset that the suite takes its held-out cases from; else none."""
    source = loaded.suite.cases
    if not isinstance(source, CasesFrom):
        return []
    asked = datasets.parse_reference(source.dataset)
    info = datasets.load_info(workspace.paths, asked.name, asked.version)
    if asked.split != "heldout" or "train" not in info.splits:
        return []
    rows = datasets.iterate_rows(workspace.paths, f"{info.name}@{info.version}/train")
    return [example.messages[-1].content for example in rows]
