"""One training run from top to bottom: base, adapter, trainer, steps, saved adapter.

Stock parts throughout: Transformers loads, bitsandbytes quantises, PEFT adapts, TRL trains. The rows come
in as ids and labels, so nothing here renders or tokenises. A run that does not fit into memory is attempted
again with less of it. Knows nothing of run folders beyond two paths.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerFast, TrainerCallback

from engine.models.directory import ModelDirectory
from engine.training import adapter, levers, memory_ladder, objectives, results, settings
from engine.training.account import Account
from engine.training.base import load_base
from engine.training.batches import keeps_apart
from engine.training.callbacks import StepReporter, Watcher, preference_metrics
from engine.training.checkpoints import Checkpoints, MemoryPlan, Saved, newest
from engine.training.data import TrainingData
from engine.training.devices import find_device, peak_memory
from engine.training.failures import out_of_memory, write_error
from engine.training.heldout import HeldOut
from engine.training.objectives.setup import Setup
from engine.training.order import START, Position
from engine.training.processes import ALONE, Group
from engine.training.quantisation import forget_peak
from engine.training.recompute import RecomputeFirst
from engine.training.rehearsal import Rehearsal, export_bytes
from engine.training.saving import CheckpointKeeper
from engine.training.trial import Trial
from engine.training.watching import HealthWatch
from store import atomic
from store.errors import TemperError, UsageError
from store.records.events import Notice, Resumed
from store.records.recipe import Recipe
from store.records.training import TrainResult

PADDED = Notice(
    title="Rows are padded",
    text="One behind the other they would not give what each gives alone, with this model on this device: "
    "steps take longer, the result is the same.",
    level="warn",
)


class Run(msgspec.Struct):
    """What does not change from one attempt at a run to the next. `rehearse`: measure a step first.

    `start` is the adapter that is trained further; `group` the processes that do the run together.
    """

    base: ModelDirectory
    watcher: Any
    run_folder: Path
    out: Path
    checkpoints: Checkpoints
    callbacks: list[Any]
    rehearse: bool
    start: Path | None
    group: Group


def train(
    base: ModelDirectory,
    recipe: Recipe,
    data: TrainingData,
    watcher: Watcher,
    run_folder: Path,
    out: Path,
    callbacks: Sequence[TrainerCallback] = (),
    resume: Saved | None = None,
    inputs: dict[str, str] | None = None,
    start: Path | None = None,
    group: Group = ALONE,
) -> TrainResult:
    """Train on `data` and save what came of it to the new directory `out` (engine.training.results).

    `start` is an adapter's folder to train further. `callbacks` look on beside Temper's own. `resume` is a
    verified checkpoint of the same data to go on from; `inputs` is written into those to come. Where the
    device's memory is too small, the run starts again from its last step with less, down the ladder
    (engine.training.memory_ladder); not where several processes do the run (`group`): they would have to fail
    together. Raises TemperError when memory or disk run out; checkpoints written before stay.
    """
    device = find_device()
    recipe = levers.defaults(recipe, device.cuda, device.compute != "float16")
    given = (inputs or {}) | {"rows": data.digest()}
    checkpoints = group.checkpoints(run_folder / "artifacts" / "checkpoints", recipe, given)
    checkpoints.clear()
    plan = memory_ladder.plan_of(recipe)
    if resume is not None:
        refuse_other_rows(resume, given["rows"])
        plan = resume.manifest.plan if resume.manifest.plan.step_rows == plan.step_rows else plan
    rehearse = recipe.rehearse == "always" or (recipe.rehearse == "auto" and device.cuda)
    run = Run(base, watcher, run_folder, out, checkpoints, list(callbacks), rehearse, start, group)
    while True:
        try:
            return attempt(run, recipe, plan, data, resume)
        except RuntimeError as error:
            if not memory_ladder.is_out_of_memory(error):
                raise
            full = out_of_memory(error)
            if group.several:
                raise full from error
            # The frames that failed hold the model and what was computed with it.
            traceback.clear_frames(error.__traceback__)
        plan, resume = step_down(run, plan, data, memory_ladder.least_rows(recipe), resume, full)


def step_down(
    run: Run, plan: MemoryPlan, data: TrainingData, fewest: int, resume: Saved | None, full: TemperError
) -> tuple[MemoryPlan, Saved | None]:
    """The next rung's plan and where to go on from, both told. Raises `full` when no rung is left."""
    forget_peak()  # that of the attempt that failed
    rung = memory_ladder.next_rung(plan, data, fewest)
    if rung is None:
        raise full
    run.watcher.emit(Notice(title=f"Memory is full. {rung.title}", text=rung.text, level="warn"))
    resume = newest(run.checkpoints.folder)[0] or resume
    path = str(resume.path.relative_to(run.run_folder)) if resume else ""
    run.watcher.emit(Resumed(step=resume.manifest.step if resume else 0, path=path))
    return rung.plan, resume


def attempt(
    run: Run, recipe: Recipe, plan: MemoryPlan, data: TrainingData, resume: Saved | None
) -> TrainResult:
    """`train` with one way to fit into memory. Raises what torch raises when it does not fit."""
    data, recipe = memory_ladder.fitted(data, plan), memory_ladder.planned(recipe, plan)
    trained = Position(resume.manifest.step, resume.manifest.examples) if resume else START
    device = find_device().computing(recipe.precision)
    model = load_base(run.base, recipe, device, run.group.several and device.cuda)
    packed = objectives.packs(recipe) and keeps_apart(model, data.rows)
    if not packed:
        model.set_attn_implementation("sdpa")
        if objectives.packs(recipe) and run.group.first:
            run.watcher.emit(PADDED)
    adapted, new_adapter = adapter.prepared(model, recipe, run.start, device.dtype)
    trial = Trial(run.watcher, data, run.run_folder / "artifacts", device.dtype)
    account = Account(run.watcher, run.base, recipe, data, trial, run.run_folder)
    heldout = HeldOut(run.watcher, recipe, run.run_folder / "artifacts", trial)
    if resume and heldout.ran_out(resume.path):
        recipe = msgspec.structs.replace(recipe, max_steps=trained.steps)  # it had ended early there
    keeper = CheckpointKeeper(
        run.checkpoints,
        plan,
        run.watcher,
        run.run_folder,
        lambda step: trained.rows + (step - trained.steps) * plan.step_rows,
    )
    health = HealthWatch(run.watcher, run.checkpoints)
    rehearsal = Rehearsal(run.watcher, data.lengths, plan.batch_size, packed, export_bytes(run.base))
    # health first: a loss that is no number is no step
    judges: list[Any] = [health, StepReporter(run.watcher), heldout, keeper, *run.callbacks]
    trainer = objectives.build(
        Setup(
            model=adapted,
            tokenizer=tokenizer_of(run.base),
            recipe=recipe,
            data=data,
            settings=run.group.settings(
                settings.shared(recipe, device, run.checkpoints.writing, resumed=bool(trained.steps)),
                recipe,
                device.cuda,
            ),
            adapter=new_adapter,
            packed=packed,
            callbacks=[
                RecomputeFirst(recipe.recompute_layers),
                *([rehearsal] if run.rehearse else []),
                *(judges if run.group.first else []),
                *run.group.callbacks(),
            ],
            trained=trained,
        )
    )
    rehearsal.trainer = trainer
    run.group.prepare(trainer)
    in_float32(trainer.model)
    if run.group.first:
        account.open(trainer, trained.steps)
    try:
        trainer.train(resume_from_checkpoint=str(resume.path) if resume else None)
        best = keep(run, trainer, heldout)
    except (OSError, RuntimeError, SafetensorError) as error:
        if memory_ladder.is_out_of_memory(error):
            if not run.group.several:  # the others may have got further, or not so far
                keeper.emergency(trainer)
            raise
        failed = write_error(error)
        if failed is None:
            raise
        raise unwritten(run, failed) from error
    finally:
        health.close()
    steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    stopped = trainer.state.global_step < recipe.max_steps and not heldout.ended
    measured = run.group.first and not stopped
    return TrainResult(
        steps=trainer.state.global_step,
        loss=sum(entry["loss"] for entry in steps) / max(len(steps), 1),
        device=device.name,
        peak_memory_bytes=peak_memory(),
        packed=packed,
        stopped=stopped,
        heldout_loss=heldout.best[1] if heldout.best else None,
        best_step=best,
        ended_early=heldout.ended,
        metrics=preference_metrics(steps[-1]) if steps else {},
        outcome=account.close(trainer, best or trainer.state.global_step) if measured else None,
    )


def in_float32(model: Any) -> None:
    """What is trained in fp32, before the optimiser exists.

    TRL casts QLoRA's adapters to bf16 while a resumed run has them in fp32: fp32 from the first step on makes
    both the same, and their updates are too small for bf16 anyway.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def unwritten(run: Run, failed: OSError) -> TemperError:
    """What a user is told of a failed write. A half-written checkpoint has no name yet and is taken away."""
    half = run.checkpoints.writing.exists()
    run.checkpoints.clear()
    return atomic.disk_error(failed, run.checkpoints.folder if half else run.out)


def keep(run: Run, trainer: Any, heldout: HeldOut) -> int | None:
    """Save what came of it, the best weights where there are some; returns their step. One process does."""
    weights = run.group.weights(trainer)
    if not run.group.first:
        return None
    best = heldout.restore(trainer.model)
    with atomic.new_directory(run.out) as folder:
        results.save(trainer.model, run.base, folder, weights)
    heldout.forget()
    return best


def refuse_other_rows(resume: Saved, rows: str) -> None:
    """Raise UsageError where the rows are not those that the checkpoint was trained on."""
    if resume.manifest.inputs.get("rows") != rows:
        raise UsageError(
            "The rows are not those that the run began with",
            f"{resume.path.name} was trained on other rows, or in another order: the dataset, the prompt or "
            "the model's template has changed since.",
            "Put back what was changed, or train anew.",
        )


def tokenizer_of(base: ModelDirectory) -> PreTrainedTokenizerFast:
    """The base's own tokenizer.json for the trainers, which ask it for the padding token alone."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(base.tokenizer_file))
    tokenizer.eos_token = base.special_token("eos_token") or None
    tokenizer.pad_token = base.special_token("pad_token") or tokenizer.eos_token
    return tokenizer
