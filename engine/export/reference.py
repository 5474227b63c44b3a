"""The model as it was trained, in Transformers: the unquantised base with the adapter on top, not merged.

Leaving the adapter unmerged makes it a witness against the merge too. It can also be asked as a faulty file
would answer: without the adapter, or with another strength of it. Knows nothing of GGUF.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from engine.export.adapter_file import AdapterFile
from engine.models.directory import ModelDirectory
from engine.training.base import load_base
from engine.training.devices import find_device
from store.records.recipe import Recipe

_ROOM = 1.3  # of the weights' bytes: activations and the loader's own copies


class Reference:
    """A loaded reference. In float32 where that fits into memory, since it is the ruler; else as stored.

    With `trained_with`, the recipe of a 4-bit run, it is the model as training saw it: base in NF4, and the
    number type that the run computed in.
    """

    def __init__(
        self, base: ModelDirectory, adapter: Path | None = None, trained_with: Recipe | None = None
    ) -> None:
        device = find_device()
        dtype = device.dtype if trained_with else reference_type(base, device.cuda)
        if trained_with:
            plain = msgspec.structs.replace(trained_with, packing=False)
            model: Any = load_base(base, plain, device.computing(plain.precision))
        else:
            options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "trust_remote_code": False}
            if device.cuda:
                options["device_map"] = {"": 0}
            model = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
        self._base = model
        if adapter is not None:
            fit_vocabulary(model, adapter)
            model = PeftModel.from_pretrained(model, str(adapter))
        self._model = model.eval()
        with_adapter = "base + adapter" if adapter else "base"
        kind = "NF4" if trained_with else str(dtype).removeprefix("torch.")
        self.name = f"{with_adapter}, {kind}, {device.name}"

    @property
    def adapted(self) -> bool:
        """Whether an adapter is on it."""
        return isinstance(self._model, PeftModel)

    @property
    def tied(self) -> bool:
        """Whether its output head is its embedding."""
        head, embedding = self._base.get_output_embeddings(), self._base.get_input_embeddings()
        return head is None or (not isinstance(head, LoraLayer) and head.weight is embedding.weight)

    @torch.no_grad()
    def logits(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """Scores [len(written), vocabulary] in float32 on the CPU, of every place of `written`, after
        `prompt` and what was written before. One pass over the whole text.
        """
        ids = torch.tensor([[*prompt, *written]], device=self._model.device)
        # the logits before a token choose it, so the last token's own are not needed
        output = self._model(input_ids=ids[:, :-1], logits_to_keep=len(written), use_cache=False)
        scores: torch.Tensor = output.logits[0].float().cpu()
        return scores

    @torch.no_grad()
    def generate(self, prompt: Sequence[int], most: int, stops: Collection[int]) -> list[int]:
        """The likeliest continuation, at most `most` ids; a stop token that ends it is the last one."""
        ids = torch.tensor([list(prompt)], device=self._model.device)
        written: list[int] = []
        past = None
        while len(written) < most and not (written and written[-1] in stops):
            output = self._model(input_ids=ids, past_key_values=past, use_cache=True)
            past = output.past_key_values
            written.append(int(output.logits[0, -1].argmax()))
            ids = torch.tensor([[written[-1]]], device=self._model.device)
        return written

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """The bare base, for as long as the block lasts."""
        with self._model.disable_adapter():
            yield

    @contextmanager
    def scaled(self, factor: float) -> Iterator[None]:
        """The adapter at `factor` times its strength, for as long as the block lasts."""
        layers = [module for module in self._model.modules() if isinstance(module, LoraLayer)]
        for layer in layers:
            layer.scale_layer(factor)
        try:
            yield
        finally:
            for layer in layers:
                layer.unscale_layer(factor)

    def head(self) -> torch.Tensor:
        """The weights [vocabulary, hidden] of the output head, the adapter's update included."""
        return updated(self._base.get_output_embeddings())

    def projection(self, layer: int, name: str) -> torch.Tensor | None:
        """The weights [out, in] of `name` (q_proj) in a layer's attention, the adapter's update included.

        None where the architecture has no such matrix. `name` is c_attn in GPT-2's layers, which are called
        `h` and hold their matrices the other way round.
        """
        ending = f"h.{layer}.attn.{name}" if name == "c_attn" else f"layers.{layer}.self_attn.{name}"
        found = (module for path, module in self._base.named_modules() if path.endswith(ending))
        module = next(found, None)
        if module is None:
            return None
        turned = isinstance(getattr(module, "base_layer", module), Conv1D)
        return updated(module).T if turned else updated(module)

    def close(self) -> None:
        """Give the memory back."""
        del self._model, self._base
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def updated(module: Any) -> torch.Tensor:
    """The weights of a linear layer with the updates of its adapters, in float32 on the CPU."""
    weight: torch.Tensor = getattr(module, "base_layer", module).weight.detach().float()
    for name in getattr(module, "active_adapters", []):
        if name in getattr(module, "lora_A", {}):
            weight = weight + module.get_delta_weight(name).detach().float()
    return weight.cpu()


def fit_vocabulary(model: Any, adapter: Path) -> None:
    """Give the model as many embedding rows as an adapter has that was trained on a resized vocabulary."""
    embedding = model.get_input_embeddings()
    name = next(name for name, module in model.named_modules() if module is embedding)
    with AdapterFile(adapter) as file:
        spec = file.replaced.get(f"{name}.weight")
    if spec is not None and spec.rows != embedding.num_embeddings:
        model.resize_token_embeddings(spec.rows, mean_resizing=False)


def reference_type(base: ModelDirectory, cuda: bool) -> torch.dtype:
    """float32 where the weights fit with room to spare, else the type that they are stored in."""
    need = base.parameters * torch.float32.itemsize * _ROOM
    free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
    if need < free:
        return torch.float32
    stored: torch.dtype = getattr(torch, base.dtype)
    return stored
