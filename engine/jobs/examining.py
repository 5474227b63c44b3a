"""What an export is checked on, put together from the workspace, and the checks of all its files.

The eval suite is the one that was asked for, else the one of the run's own data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.evals.suite import SUFFIXES, LoadedSuite, find_suite, load_suite
from engine.export.ship.asked import Exam
from engine.jobs.context import JobContext
from engine.jobs.evaluate import checked_cases
from engine.models.adapters import read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store import datasets
from store.errors import TemperError
from store.records.data import Example
from store.records.evals import CasesFrom
from store.records.exports import ShipCheck
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.ship.asked import Material


def material_of(
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    trained_on: Sequence[Path],
    suite: str | None = None,
) -> Material:
    """Rows of the adapters' datasets, questions and the suite; what was not at hand stands in its notes."""
    from engine.export.material import material_for

    rows, asked, note = training_rows(workspace, trained_on)
    material = material_for(base, parts.template, parts.system, rows, asked)
    loaded = suite_for(workspace, suite, trained_on)
    material.exam, amiss = exam_of(workspace, base, parts, loaded)
    material.notes += [one for one in (note, amiss) if one]
    return material


def check_files(
    context: JobContext,
    base: ModelDirectory,
    parts: Parts,
    made: Mapping[str, Path],
    material: Material,
    trained_on: Sequence[Path],
    over: Path | None = None,
) -> list[ShipCheck]:
    """The ship check of every GGUF file, in their order; adapters by themselves go `over` the base's."""
    from engine.export.ship.check import ship_check

    meter = context.progress("check", material.steps * len(made))
    files = [(file, kind) for kind, file in made.items()]
    recipe = read_passport(trained_on[0]).recipe if len(trained_on) == 1 else None
    four_bit = recipe if recipe and recipe.method == "qlora" else None
    return ship_check(files, base, parts.adapter, material, meter.advance, four_bit, over)


def check_merged(
    context: JobContext, base: ModelDirectory, adapter: Path, folder: Path, material: Material
) -> ShipCheck:
    """The ship check of the merged model in `folder`."""
    from engine.export import merged_check

    meter = context.progress("check the merged model", 2 * len(material.questions))
    return merged_check.check_merged(base, adapter, folder, material, meter.advance)


def training_rows(workspace: Workspace, adapters: Sequence[Path]) -> tuple[list[Example], list[Example], str]:
    """All rows of the adapters' datasets, those to ask (held out where there are any), and what is amiss."""
    rows: list[Example] = []
    asked: list[Example] = []
    for name in dict.fromkeys(read_passport(adapter).dataset for adapter in adapters):
        try:
            found = datasets.read_rows(workspace.paths, f"{name}/all")
        except TemperError as error:
            note = f"Checked on general texts only, without the rows it was trained on: {error.happened}"
            return [], [], note
        rows += found
        asked += [row for row in found if row.split != "train"] or found
    return rows, asked, ""


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
