"""The base model as a method needs it: whole, or in four bits, on its device. Knows nothing of adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from engine.models.directory import ModelDirectory
from engine.training import packed_attention
from engine.training.devices import DeviceDefaults
from store.records.recipe import Recipe


def load_base(
    base: ModelDirectory, recipe: Recipe, device: DeviceDefaults, sharded: bool = False
) -> PreTrainedModel:
    """The base model on its device; 4-bit NormalFloat for QLoRA, float32 where its own weights are trained.

    Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs", 2023, sections 3 and 5. `sharded`: it
    will be divided over GPUs.
    """
    dtype = torch.float32 if recipe.method == "full" else device.dtype
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "trust_remote_code": False}
    if device.cuda:
        options["device_map"] = {"": torch.cuda.current_device()}
    if recipe.method == "qlora":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=recipe.double_quantisation is not False,
            bnb_4bit_compute_dtype=device.dtype,
            # FSDP divides tensors of floating-point numbers: four bits are stored as if they were such
            bnb_4bit_quant_storage=device.dtype if sharded else torch.uint8,
        )
    if recipe.packing:
        options["attn_implementation"] = packed_attention.register()
    try:
        model = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
    except KeyError:
        del options["attn_implementation"]  # an architecture that knows its own attentions only
        model = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
    model.config.use_cache = False
    keep_trainable(model)
    return model


def keep_trainable(model: PreTrainedModel) -> None:
    """Keep bitsandbytes from packing 4-bit weights anew for a processor with bfloat16 (AVX-512).

    It does so in the first forward pass outside of training, and from then on computes by a kernel that has
    no gradient and rounds to bfloat16: a run that measures its base first would train on wrong gradients.
    """
    modules: Iterator[Any] = model.modules()
    for module in modules:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
