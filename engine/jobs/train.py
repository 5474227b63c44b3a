"""The job `train`: a recipe's names become a base and rows, the result an adapter with a passport."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from engine.data.ensure import ensure_dataset
from engine.data.rendering import Renderer
from engine.export.gguf_cache import cache_folder, fingerprint
from engine.jobs import resuming
from engine.jobs.context import JobContext, Phases, Stopped
from engine.jobs.versions import versions
from engine.models import adapters
from engine.models.directory import ModelDirectory
from engine.training import gate, late_compile, preflight, quantisation
from engine.training.checkpoints import Saved
from engine.training.data import TrainingData
from engine.training.division import plan_divided
from engine.training.machine import find_machine
from engine.training.reading import read_data, renderer_of
from engine.training.rows import RowReport
from engine.training.trial_rows import BUILTIN, add_trial
from store import clock
from store.errors import MissingError, TemperError
from store.hashing import sha256_of_file, sha256_of_files, sha256_of_text
from store.records.adapters import AdapterPassport
from store.records.data import DatasetInfo
from store.records.findings import CheckReport
from store.records.outcome import QuantisationCost
from store.records.plan import TrainingPlan
from store.records.recipe import Recipe
from store.records.training import TrainResult


class TrainParams(msgspec.Struct):
    """The resolved recipe of a training run, the findings in its data that may pass, and how it is launched.

    With `launcher` accelerate, `processes` of them do the run together. `forgetting`: what the key of that
    name in the recipe asks for follows in a run of its own; not behind each of the runs of a sweep.
    `let_pass` are findings that stop no probe, since whoever measures it leaves out what they spoil; nobody
    accepted them, so no label says so.
    """

    recipe: Recipe
    accept: list[str] = []
    launcher: Literal["", "accelerate"] = ""
    forgetting: bool = False
    processes: Annotated[int, msgspec.Meta(ge=1)] = 1
    let_pass: list[str] = []


def run(context: JobContext) -> dict[str, Any]:
    """Train; the result holds the adapter's folder and the run's metrics."""
    found = resuming.take_up(context)
    params = context.params(TrainParams)
    params.recipe = recipe = resuming.same_data(params.recipe, found)
    workspace = context.workspace()
    base = preflight.check(workspace, recipe, [*params.accept, *params.let_pass], params.processes)
    params.recipe = recipe = resuming.pinned(workspace, recipe)
    inputs = resuming.inputs_of(recipe)
    dataset = ensure_dataset(workspace, recipe.dataset)
    checked = check_data(context, dataset, params)

    base, start = beginning(context, base, recipe)
    renderer = renderer_of(workspace, base, recipe)
    data, report = read_data(workspace, renderer, recipe)
    tell(context, report, recipe)
    gate.refuse_untrained(workspace, dataset, report.untrained, params.accept)
    context.check_stop()
    recipe = (
        found.manifest.recipe if found else fit(context, plan_divided(base, recipe, data, params.processes))
    )
    if params.processes == 1:  # several bring torch in processes of their own
        late_compile.import_bitsandbytes()
    add_trial(workspace, base, renderer, recipe, data)
    cost = quantisation_cost(context, base, recipe, data, params.processes)
    whole = recipe.method == "full"
    out = (adapters.model_folder if whole else adapters.adapter_folder)(context.folder.path)
    try:
        result = trained(context, params.processes, base, recipe, data, out, found, inputs, start)
    except TemperError as error:
        raise resuming.with_way_on(error, context) from error
    passport = write_passport(context, recipe, base, dataset, renderer, result, out, checked.sha256, report)
    made = "model" if whole else "adapter"
    context.artifact(made, out, made, passport.adapter_sha256)
    if result.stopped:
        context.notice("Stopped by request", f"The {made} of step {result.steps} is saved.")
        raise Stopped
    metrics = msgspec.to_builtins(result) | {"trained_tokens": report.trained_tokens, "rows": report.rows}
    told = {"outcome": metrics.pop("outcome"), "quantisation": msgspec.to_builtins(cost)}
    if params.forgetting and recipe.forgetting and (pack := ask_pack(context, recipe)):
        told["forgetting"] = pack
    return {made: str(out.relative_to(context.folder.path)), "metrics": metrics} | told


def ask_pack(context: JobContext, recipe: Recipe) -> str:
    """Start the run that asks what was forgotten; its id, or "" with a notice: this run stands either way."""
    try:
        if importlib.util.find_spec("llama_cpp") is None:
            raise MissingError("llama.cpp is not here", "Nothing answers without it.", "Run scripts/setup.")
        from engine.jobs.forgetting import start_after  # it reads training runs, so it imports this module

        pack = "" if recipe.forgetting == BUILTIN else recipe.forgetting
        return start_after(context.workspace(), context.folder.run_id, pack).run_id
    except (TemperError, ImportError) as error:
        said = f"{error.title}. {error.happened}" if isinstance(error, TemperError) else str(error)
        context.notice("What was forgotten is not asked", said, warn=True)
        return ""


def quantisation_cost(
    context: JobContext, base: ModelDirectory, recipe: Recipe, data: TrainingData, processes: int
) -> QuantisationCost | None:
    """What 4 bits cost this base, told; None where nobody asks or where it is not quantised.

    The worker of several processes measures nothing: it would keep memory of the first one's device.
    """
    if recipe.method != "qlora" or not recipe.measure_quantisation or not data.compared:
        return None
    paths = context.workspace().paths
    file = quantisation.file_for(paths, fingerprint(paths, base), recipe, data.compared)
    if processes > 1:
        return quantisation.remembered(file)
    found = quantisation.cost(base, recipe, data.compared, data.compared_from, find_machine(), file)
    context.notice("What 4 bits cost", quantisation.words(found))
    context.check_stop()
    return found


def trained(
    context: JobContext,
    processes: int,
    base: ModelDirectory,
    recipe: Recipe,
    data: TrainingData,
    out: Path,
    found: Saved | None,
    inputs: dict[str, str],
    start: Path | None,
) -> TrainResult:
    """The training itself, here or in processes of their own. Brings torch, with the data let pass."""
    if processes > 1:
        from engine.jobs import ranks

        return ranks.train(context, processes, base.path, recipe, data, out, found, inputs, start)
    from engine.training import session

    return session.train(
        base, recipe, data, context, context.folder.path, out, resume=found, inputs=inputs, start=start
    )


def beginning(
    context: JobContext, base: ModelDirectory, recipe: Recipe
) -> tuple[ModelDirectory, Path | None]:
    """The base that is trained on, an earlier run's merge where asked for, and an adapter to continue.

    A merge is kept among the workspace's models: the new adapter stands on it.
    """
    if not recipe.init_from:
        return base, None
    adapter = adapters.find_adapter(context.workspace(), recipe.init_from)
    if recipe.init_mode == "continue":
        return base, adapter
    merged = cache_folder(context.workspace().paths, base, adapter) / "merged"
    if not merged.is_dir():
        from engine.export.merge import merge

        merge(base, adapter, merged, context.progress("merge", len(base.shards)).advance)
    return ModelDirectory(merged), None


def fit(context: JobContext, planned: TrainingPlan) -> Recipe:
    """The recipe as it runs on this device, and what was chosen for it said aloud."""
    found = planned.estimate
    figures = f"{found.total_bytes / 1e6:,.0f} MB needed, {found.free_bytes / 1e6:,.0f} MB are free"
    context.notice("Plan", "\n".join([*planned.decisions, figures]), warn=not found.fits)
    return planned.recipe


def check_data(context: JobContext, dataset: DatasetInfo, params: TrainParams) -> CheckReport:
    """The report that the run relies on. Raises RefusedError where it stops the run."""
    workspace = context.workspace()
    report = gate.ensure_report(workspace, dataset, params.recipe, Phases(context).advance)
    findings = gate.stand(workspace, report, params.recipe, [*params.accept, *params.let_pass])
    gate.record(workspace, report, params.accept)
    if warned := gate.warning_line(findings):
        context.notice(warned, f"see: temper data check {dataset.name}@{dataset.version}", warn=True)
    return report


def tell(context: JobContext, report: RowReport, recipe: Recipe) -> None:
    """Say what was rendered, and every row that was cut or left out."""
    context.notice(
        "Rows", f"{report.rows} rows, {report.trained_tokens:,} trained of {report.total_tokens:,} tokens"
    )
    if report.truncated:
        lines = listed(report.truncated)
        context.notice(
            f"{len(report.truncated)} rows cut",
            f"Longer than {recipe.max_length} tokens: lines {lines}.",
            warn=True,
        )
    if report.untrained:
        context.notice(f"{len(report.untrained)} rows left out", said(report.problems), warn=True)
    if report.notes:
        rows = sum(len(lines) for lines in report.notes.values())
        context.notice(f"{rows} rows are not trained as written", said(report.notes), warn=True)


def said(reasons: dict[str, list[int]], most: int = 10) -> str:
    """Reasons with their lines for people: the `most` frequent ones, then how many more."""
    ordered = sorted(reasons.items(), key=lambda pair: -len(pair[1]))
    shown = [f"{reason} Lines {listed(lines)}." for reason, lines in ordered[:most]]
    more = len(ordered) - len(shown)
    return "\n".join([*shown, f"And {more} more reasons."] if more else shown)


def listed(lines: list[int], most: int = 20) -> str:
    """Line numbers for people: the first `most`, then how many more."""
    shown = ", ".join(str(line) for line in lines[:most])
    return shown + (f" and {len(lines) - most} more" if len(lines) > most else "")


def write_passport(
    context: JobContext,
    recipe: Recipe,
    base: ModelDirectory,
    dataset: DatasetInfo,
    renderer: Renderer,
    result: TrainResult,
    out: Path,
    check_sha256: str,
    report: RowReport,
) -> AdapterPassport:
    """Put the passport beside the weights of the adapter, or of the model that was trained."""
    passport = AdapterPassport(
        run_id=context.spec.run_id,
        base=recipe.base,
        base_path=str(base.path),
        base_sha256=fingerprint(context.workspace().paths, base),
        dataset=f"{dataset.name}@{dataset.version}",
        dataset_sha256=dataset.sha256,
        other_data=resuming.other_data(context.workspace(), recipe),
        recipe=recipe,
        adapter_sha256=sha256_of_files(ModelDirectory(out).shards)
        if recipe.method == "full"
        else sha256_of_file(out / adapters.WEIGHTS),
        template_sha256=sha256_of_text(renderer.template or renderer.chat_template),
        system=renderer.system,
        steps=result.steps,
        created=clock.stamp(),
        device=result.device,
        versions=versions(),
        check_sha256=check_sha256,
        rows=report.rows,
        total_tokens=report.total_tokens,
        trained_tokens=report.trained_tokens,
    )
    adapters.write_passport(out, passport)
    return passport
