"""What a training step really takes on the CPU, by torch's own profiler: bytes of tensors at the peak."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback

from engine.data.rendering import IGNORED, Row
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from store.records.recipe import Recipe
from tests.bases import Recorder

SECOND = 1  # steps done before it: the optimiser's state is there by then


class PeakOfStep(TrainerCallback):
    """Watches the second step. `bytes`: weights and optimiser state before it, and the most it had on top."""

    def __init__(self) -> None:
        self.bytes = 0

    def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Count what lives through the step, then watch."""
        if state.global_step != SECOND:
            return
        self.bytes = size_of(living(rest["model"], rest["optimizer"]))
        self._watch: Any = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self._watch.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Add up what was taken and given back, in the order in which it was."""
        if state.global_step != SECOND + 1:
            return
        self._watch.stop()
        found = self._watch.profiler.kineto_results.events()
        changes = sorted((one.start_ns(), one.nbytes()) for one in found if one.name() == "[memory]")
        now = most = 0
        for _, change in changes:
            now += change
            most = max(most, now)
        self.bytes += most


def living(model: Any, optimiser: Any) -> Iterable[torch.Tensor]:
    """Weights, the scales of quantised ones, and the optimiser's state."""
    yield from model.parameters()
    yield from model.buffers()
    for parameter in model.parameters():
        if (scales := getattr(parameter, "quant_state", None)) is not None:
            yield scales.absmax
            if scales.nested:
                yield scales.state2.absmax
    inner = getattr(optimiser, "optimizer", optimiser)
    for state in inner.state.values():
        yield from (value for value in state.values() if isinstance(value, torch.Tensor))


def size_of(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of their storages, each counted once."""
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}
    return sum(storages.values())


def wide_base(folder: Path) -> Path:
    """A random Llama in which activations and weights outweigh what the libraries keep besides."""
    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    torch.manual_seed(2)
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin_directory("tiny") / name, folder / name)
    return folder


def long_rows(count: int, length: int) -> TrainingData:
    """Random rows of one length, of which the second half is trained."""
    drawn = torch.randint(5, 4000, (count, length), generator=torch.Generator().manual_seed(0)).tolist()
    half = length // 2
    return TrainingData(
        [
            Row(input_ids=ids, labels=[IGNORED] * half + ids[half:], line=number + 1)
            for number, ids in enumerate(drawn)
        ]
    )


def peak_of(base: ModelDirectory, recipe: Recipe, data: TrainingData, folder: Path) -> int:
    """The peak of a real run's second step, in bytes."""
    peak = PeakOfStep()
    session.train(base, recipe, data, Recorder(), folder, folder / "out", callbacks=[peak])
    return peak.bytes
