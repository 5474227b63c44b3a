"""One training run in several processes: what each of them does alike, and what the first does alone.

Every process runs the same session on the same rows; the stock trainer deals out the forward passes of a step
and adds up gradients. The first process alone judges, tells and writes; the others follow its decisions.
Knows neither who started the processes nor run folders (engine.jobs.ranks).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.training.checkpoints import Checkpoints, MemoryPlan
from engine.training.settings import RECOMPUTE
from engine.training.sharding import fsdp_settings
from store.errors import TemperError
from store.records.events import Event
from store.records.recipe import Recipe

PATIENCE_SECONDS = 24 * 3600
"""So long the others wait while the first one measures or saves. One that has died is seen by the worker."""
FLAGS = ("should_training_stop", "should_epoch_stop", "should_save", "should_evaluate", "should_log")


class Group(msgspec.Struct, frozen=True):
    """The processes of a run, as one of them sees it: its own number, from 0, and how many there are."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that judges, tells and writes."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def settings(self, given: dict[str, Any], recipe: Recipe, cuda: bool) -> dict[str, Any]:
        """The trainer's arguments `given` for one process, for one of this group.

        The passes of a step are those of all processes. Weights are sharded over GPUs; on the processor every
        process has them whole.
        """
        if not self.several:
            return given
        passes, left = divmod(given["gradient_accumulation_steps"], self.count)
        assert not left, "the recipe was not divided (engine.training.division)"
        changed = {
            "gradient_accumulation_steps": passes,
            "average_tokens_across_devices": True,
            "ddp_timeout": PATIENCE_SECONDS,
        }
        if cuda:
            changed |= {RECOMPUTE: False} | fsdp_settings(recipe)
        return given | changed

    def callbacks(self) -> list[TrainerCallback]:
        """What stands behind all others in the trainer's list."""
        return [FollowFirst()] if self.several else []

    def checkpoints(self, folder: Path, recipe: Recipe, inputs: dict[str, str]) -> Checkpoints:
        """The run's checkpoints as this process may change them."""
        if not self.several:
            return Checkpoints(folder, recipe, inputs)
        return (SharedCheckpoints if self.first else WatchedCheckpoints)(folder, recipe, inputs)

    def prepare(self, trainer: Any) -> None:
        """See that the trainer has found all processes, and make it measure as one process does.

        Raises TemperError where it has not: accelerate starts a single process in silence where it does not
        understand what it was asked for.
        """
        found = int(trainer.args.world_size), int(trainer.args.process_index)
        if found != (self.count, self.rank):
            raise TemperError(
                "The processes of the run have not found each other",
                f"This one should be {self.rank} of {self.count} and is {found[0]}'s number {found[1]}.",
                "Train in one process: leave --launcher and --processes out. Please report it.",
            )
        if self.several:
            measure_whole(trainer)

    def weights(self, trainer: Any) -> dict[str, torch.Tensor] | None:
        """Weights that are divided over the processes, gathered for the first; None where each has all.

        All processes must ask.
        """
        if not (self.several and trainer.is_fsdp_enabled):
            return None
        found: dict[str, torch.Tensor] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        return found


ALONE = Group()


class Mute:
    """Hears a training run and says nothing: the watcher of every process but the first."""

    def emit(self, event: Event) -> None:
        """The first process tells."""

    def stop_requested(self) -> bool:
        """The first process is asked (see FollowFirst)."""
        return False


class FollowFirst(TrainerCallback):
    """Makes the first process's decisions those of all, at the same step: stop, save, measure.

    Without it a request to stop, seen by one process a step earlier than by another, would leave the other
    waiting for gradients for ever. Random numbers differ between processes, or dropout would leave out the
    same places in all of them.
    """

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """A run that goes on reads each process's own state from its checkpoint later."""
        if args.process_index:
            torch.manual_seed(args.seed + args.process_index)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """Every callback has had its say."""
        agree(args, control)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """A measurement may end the run."""
        agree(args, control)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: object
    ) -> None:
        """The first process gives the checkpoint its name once all others have written their part."""
        if args.process_index:
            torch.distributed.barrier()


def agree(args: TrainingArguments, control: TrainerControl) -> None:
    """Take over the flags of the first process."""
    flags = torch.tensor([getattr(control, name) for name in FLAGS], dtype=torch.int32, device=args.device)
    torch.distributed.broadcast(flags, 0)
    for name, flag in zip(FLAGS, flags.tolist(), strict=True):
        setattr(control, name, bool(flag))


class SharedCheckpoints(Checkpoints):
    """The first process's: waits for the random states that every other one writes into a checkpoint."""

    def publish(self, step: int, plan: MemoryPlan, examples: int, heldout_loss: float | None = None) -> Path:
        """As for one process, once all have written."""
        torch.distributed.barrier()
        return super().publish(step, plan, examples, heldout_loss)


class WatchedCheckpoints(Checkpoints):
    """Another process's: it reads them, and changes nothing."""

    def clear(self) -> None:
        """The first process does."""

    def set_aside(self, from_step: int) -> None:
        """The first process does."""


def measure_whole(trainer: Any) -> None:
    """Let every process measure all held-out rows, each as a single process would.

    Divided over processes, the trainer fills the last batches up with rows from the front, whose loss is part
    of a batch's mean: the figure would depend on the number of processes.
    """
    loader_of, loop = trainer.get_eval_dataloader, trainer.evaluation_loop

    def whole(*arguments: Any, **rest: Any) -> Any:
        loader = loader_of(*arguments, **rest)
        batches = loader.batch_sampler  # accelerate's, which passes over the batches of other processes
        batches.num_processes, batches.process_index, batches.even_batches = 1, 0, False
        return loader

    def own(losses: torch.Tensor) -> torch.Tensor:
        progress = trainer.accelerator.gradient_state
        left = progress.remainder if progress.end_of_dataloader else 0
        return losses[:left] if left > 0 else losses

    def measured(*arguments: Any, **rest: Any) -> Any:
        trainer.gather_function = own  # the loop puts the usual one back at its end
        return loop(*arguments, **rest)

    trainer.get_eval_dataloader, trainer.evaluation_loop = whole, measured
