"""The job `forgetting`: the pack before and after a training run, then the verdict and what helps.

Both sides are asked without the task's prompt. The base's answers are taken over from earlier runs on it. The
verdict goes into the passport of what was trained too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engine.evals import stored
from engine.evals.forgetting import PACK
from engine.evals.forgetting.judging import judge
from engine.evals.run import Terms
from engine.evals.suite import find_suite, load_suite
from engine.jobs.advising.asking import identity_of, measure
from engine.jobs.advising.ways import Way
from engine.jobs.context import JobContext
from engine.jobs.evaluating.asking import items_of
from engine.jobs.evaluating.cases import checked_cases
from engine.jobs.side_by_side import recipe_of
from engine.models import adapters
from store import runs
from store.records.evals import CaseResult
from store.records.forgetting import Forgetting, ForgettingNote
from store.records.outcome import Outcome, Point
from store.runs import RunFolder
from store.workspace import Workspace

BASE, TRAINED = "bare", "adapter"
MOST_TOKENS = 200
"""Of an answer: none of the pack's needs more, and a model that cannot stop would cost minutes."""


class ForgettingParams(msgspec.Struct):
    """The training run. `suite`: another pack than the one that ships, a file of the workspace."""

    run_id: str
    suite: str = ""


def run(context: JobContext) -> dict[str, Any]:
    """Ask both; the result is the verdict as {suite, forgetting}."""
    params = context.params(ForgettingParams)
    workspace = context.workspace()
    trained = runs.find(workspace.paths.runs, params.run_id, "train")
    recipe = recipe_of(trained)
    pack = find_suite(workspace.root, params.suite) if params.suite else PACK
    with stored.Results(context.folder.results) as file:
        before = ask(context, workspace, pack, Way("bare", recipe.base, system=""), file)
        after = ask(context, workspace, pack, Way("adapter", trained.run_id, system=""), file)
    found = judge(trained.run_id, before, after, recipe, better_of(trained))
    note(context.folder.run_id, trained, before[0].suite, found)
    context.artifact("results", context.folder.results, "results")
    context.notice(
        "Forgetting", "\n".join([found.headline, *found.remedy]), warn=found.verdict == "forgotten"
    )
    return {"suite": before[0].suite, "forgetting": msgspec.to_builtins(found)}


def ask(
    context: JobContext, workspace: Workspace, pack: Path, way: Way, file: stored.Results
) -> list[CaseResult]:
    """The pack through one side."""
    from engine.models.variants import resolve

    loaded = load_suite(pack, workspace.root)
    cases = checked_cases(workspace, loaded, None)
    variant = resolve(workspace, way.variant, context.notice)
    most = min(variant.sampling.max_tokens, MOST_TOKENS)
    variant = msgspec.structs.replace(
        variant, sampling=msgspec.structs.replace(variant.sampling, max_tokens=most)
    )
    items = items_of(cases, variant, 1, context.notice)
    meter = context.progress("before" if way.approach == BASE else "after", len(items))
    made: list[CaseResult] = []

    def emit(way: Way, result: CaseResult) -> None:
        file.append(result)
        made.append(result)
        meter.advance(len(made))

    terms = Terms(loaded.suite.name, way.variant, identity_of(workspace, way, variant))
    measure(workspace, variant, [(way, terms)], items, context.folder.results, emit)
    return made


def better_of(trained: RunFolder) -> Point | None:
    """The earlier evaluation that the run itself found the better trade, if it did."""
    raw = runs.view(trained).result.get("outcome")
    return msgspec.convert(raw, Outcome).better if raw else None


def note(by: str, trained: RunFolder, suite: str, found: Forgetting) -> None:
    """Write the verdict into the passport of the adapter or model of the run."""
    told = ForgettingNote(by, suite, found.difference.n, found.verdict, found.headline, found.remedy)
    for folder in (adapters.adapter_folder(trained.path), adapters.model_folder(trained.path)):
        if (folder / adapters.PASSPORT).is_file():
            passport = adapters.read_passport(folder)
            passport.forgetting = told
            adapters.write_passport(folder, passport)


def start_after(workspace: Workspace, run_id: str, suite: str = "") -> RunFolder:
    """A run of the pack, or of a suite, behind a training run: it waits for that one's device."""
    from engine.jobs import launch

    title, command = f"forgetting: {run_id}", ""
    return launch.start(workspace, "forgetting", ForgettingParams(run_id, suite), title, command)


def verdict_of(view_result: dict[str, Any]) -> Forgetting:
    """The verdict out of a finished run's result."""
    return msgspec.convert(view_result["forgetting"], Forgetting)
