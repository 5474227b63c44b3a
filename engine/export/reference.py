"""The model as it was trained, in Transformers: the unquantised base with the adapter on top, not merged.

Leaving the adapter unmerged makes it a witness against the merge too. Knows nothing of GGUF.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine.export.adapter_file import AdapterFile
from engine.models.directory import ModelDirectory
from engine.training.devices import find_device

_ROOM = 1.3  # of the weights' bytes: activations and the loader's own copies


class Opinion(msgspec.Struct):
    """What the reference thinks of a text written by another model, per written token.

    `preferred` is its own first choice at that place, `gaps` the logit of that choice less the logit of the
    written token: 0 where both are the same.
    """

    preferred: list[int]
    gaps: list[float]


class Reference:
    """A loaded reference. In float32 where that fits into memory, since it is the ruler; else as stored."""

    def __init__(self, base: ModelDirectory, adapter: Path | None = None) -> None:
        device = find_device()
        dtype = reference_type(base, device.cuda)
        options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "trust_remote_code": False}
        if device.cuda:
            options["device_map"] = {"": 0}
        model: Any = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
        if adapter is not None:
            fit_vocabulary(model, adapter)
            model = PeftModel.from_pretrained(model, str(adapter))
        self._model = model.eval()
        with_adapter = "base + adapter" if adapter else "base"
        self.name = f"{with_adapter}, {str(dtype).removeprefix('torch.')}, {device.name}"

    def judge(self, prompt: Sequence[int], written: Sequence[int]) -> Opinion:
        """What it would have chosen at every place of `written`, after `prompt` and what was written before.

        One pass over the whole text: up to the first token that differs this is the same as generating.
        """
        return self._look(prompt, written)

    def judge_without_adapter(self, prompt: Sequence[int], written: Sequence[int]) -> Opinion:
        """The same of the bare base."""
        if not isinstance(self._model, PeftModel):
            return self._look(prompt, written)
        with self._model.disable_adapter():
            return self._look(prompt, written)

    @torch.no_grad()
    def _look(self, prompt: Sequence[int], written: Sequence[int]) -> Opinion:
        ids = torch.tensor([[*prompt, *written]], device=self._model.device)
        # the logits before a token choose it, so the last token's own are not needed
        output = self._model(input_ids=ids[:, :-1], logits_to_keep=len(written), use_cache=False)
        logits = output.logits[0].float()
        chosen = torch.tensor(list(written), device=logits.device)
        best = logits.max(dim=-1)
        gaps = best.values - logits.gather(1, chosen[:, None])[:, 0]
        return Opinion(best.indices.tolist(), gaps.tolist())

    def close(self) -> None:
        """Give the memory back."""
        del self._model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


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
