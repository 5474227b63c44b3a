"""A suite's cases with their checks, its datasets imported where needed; what training answered."""

from __future__ import annotations

from engine.data.ensure import ensure_dataset
from engine.evals.cases import cases_of
from engine.evals.run import CheckedCase
from engine.evals.suite import LoadedSuite
from store import datasets
from store.errors import UsageError
from store.records.data import Example
from store.records.evals import CasesFrom
from store.workspace import Workspace


def checked_cases(workspace: Workspace, loaded: LoadedSuite, limit: int | None) -> list[CheckedCase]:
    """The suite's cases, each with its checks ready to use. A dataset is imported first where needed.

    Raises UsageError for a limit of none, and where a check cannot be applied to cases of a dataset.
    """

    def rows(reference: str) -> list[Example]:
        ensure_dataset(workspace, reference)
        return datasets.read_rows(workspace.paths, reference)

    if limit is not None and limit < 1:
        raise UsageError("A limit of no cases", f"Got {limit}.", "Give --limit 1 or more.")
    shared = loaded.compiled()
    return [(case, loaded.checks_of(case, shared)) for case in cases_of(loaded, rows, limit)]


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
    return [example.messages[-1].content for example in rows if example.messages]
