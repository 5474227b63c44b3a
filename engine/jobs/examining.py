"""Which eval suite an export is judged by: the one that was asked for, else the one of the run's own data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.evals.suite import SUFFIXES, LoadedSuite, find_suite, load_suite
from engine.export.ship.asked import Exam
from engine.jobs.evaluate import checked_cases
from engine.models.adapters import read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store import datasets
from store.errors import TemperError
from store.records.evals import CasesFrom
from store.workspace import Workspace


def suite_for(workspace: Workspace, asked: str | None, adapters: Sequence[Path]) -> LoadedSuite | None:
    """The suite `asked` for; else the first of evals/ whose cases come from a dataset of the adapters.

    Raises MissingError or UsageError for one that was asked for and is not there or not right; of the others
    those that are not right are passed over.
    """
    if asked:
        return load_suite(find_suite(workspace.root, asked), workspace.root)
    names = {read_passport(adapter).dataset.partition("@")[0] for adapter in adapters}
    files = sorted(path for path in (workspace.root / "evals").glob("*") if path.suffix in SUFFIXES)
    for file in files if names else []:
        try:
            loaded = load_suite(file, workspace.root)
        except TemperError:
            continue
        source = loaded.suite.cases
        if isinstance(source, CasesFrom) and datasets.parse_reference(source.dataset).name in names:
            return loaded
    return None


def exam_of(
    workspace: Workspace, base: ModelDirectory, parts: Parts, loaded: LoadedSuite | None
) -> tuple[Exam | None, str]:
    """The suite as the ship check asks it, or none; and what is amiss with it, or nothing."""
    from engine.export.material import exam_for

    if loaded is None or not (parts.template or base.chat_template):
        return None, ""
    try:
        cases = checked_cases(workspace, loaded, None)
    except TemperError as error:
        return None, f"The suite {loaded.suite.name} could not be asked: {error.happened}"
    most = parts.sampling.max_tokens
    exam = exam_for(base, parts.template, parts.system, loaded.suite.name, cases, most)
    if not exam.prompts:
        return None, f"The model's context holds no case of the suite {loaded.suite.name}."
    return exam, ""
