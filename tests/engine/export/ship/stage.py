"""Random models of every family with answers that are decided, an adapter on each, and files with faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from engine.evals.checks import compile_checks
from engine.export.convert import to_gguf
from engine.export.material import exam_for, material_for
from engine.export.merge import merge
from engine.export.ship.asked import Exam, Material
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.records.evals import Case, Check
from tests.bases import EXAMPLES
from tests.engine.export.ship.rewrite_gguf import rewrite
from tests.engine.export.untrained import adapter_on

HEADS = 4
KEY_HEADS = 2
# Windows and scales as the families' real models have them: llama.cpp reads no window of a Mistral, and takes
# a Gemma's query scale from the size of its heads. `tied`: the head is the embedding.
GEMMA = {"head_dim": 16, "sliding_window": 16, "query_pre_attn_scalar": 16, "tied": True}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "smollm": {"kind": "llama", "tied": True},
    "smollm3": {},
    "mistral": {"sliding_window": None},
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
    "phi3": {},
    "phi4": {"kind": "phi3", "rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}},
    "gpt2": {"n_inner": None, "tied": True},
}
"""By family, what differs from a Llama: SmolLM 1 and 2 are tied ones, Qwen 2.5 is a Qwen 2."""
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' "
    "+ message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class Exported(msgspec.Struct):
    """A base, an adapter on it, both merged, and the merged model as a GGUF without any rounding."""

    family: str
    base: Path
    adapter: Path
    merged: Path
    file: Path

    @property
    def directory(self) -> ModelDirectory:
        """The base."""
        return ModelDirectory(self.base)

    @property
    def tied(self) -> bool:
        """Whether its head is its embedding."""
        return bool(FAMILIES[self.family].get("tied"))

    @property
    def attention(self) -> list[str]:
        """The modules that give queries, keys and values."""
        joined = {"phi3": ["qkv_proj"], "phi4": ["qkv_proj"], "gpt2": ["c_attn"]}
        return joined.get(self.family, ["q_proj", "k_proj", "v_proj"])

    @property
    def outputs(self) -> list[str]:
        """The modules that give what a layer adds."""
        return ["c_proj"] if self.family == "gpt2" else ["o_proj", "down_proj"]


def export_family(name: str, folder: Path) -> Exported:
    """One family, exported as Temper does it."""
    made = Exported(
        name, family(name, folder / name), *(folder / part for part in ("adapter", "merged", "file"))
    )
    adapter_on(made.base, made.adapter, target_modules=made.attention + made.outputs)
    merge(made.directory, made.adapter, made.merged)
    to_gguf(made.merged, made.file, "f32")
    return made


def family(name: str, folder: Path) -> Path:
    """A random model of two layers. Its weights are large, so that answers are decided, not nearly tied."""
    tiny = builtin_directory("tiny")
    config = ModelDirectory(tiny).config
    torch.manual_seed(0)
    own = dict(FAMILIES[name])
    shape: dict[str, Any] = {
        "vocab_size": config["vocab_size"],
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "max_position_embeddings": 256,
        "bos_token_id": None,
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": config["pad_token_id"],
        "initializer_range": 0.3,
        "tie_word_embeddings": own.pop("tied", False),
    }
    settings = CONFIG_MAPPING[own.pop("kind", name)](**shape | own)
    AutoModelForCausalLM.from_config(settings).save_pretrained(folder)
    shutil.copyfile(tiny / "tokenizer.json", folder / "tokenizer.json")
    said = json.loads((tiny / "tokenizer_config.json").read_text(encoding="utf-8"))
    said |= {"bos_token": "<|endoftext|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def material_of(base: ModelDirectory, texts: int | None = None) -> Material:
    """What to check on, a suite that every answer passes included; with `texts` only so many of them."""
    material = material_for(base, "", "", EXAMPLES, EXAMPLES)
    material.texts = material.texts[:texts]
    material.exam = exam_on(base)
    return material


ANY = Check("regex", options={"value": "^"})


def exam_on(base: ModelDirectory, check: Check = ANY, template: str = "", times: int = 1) -> Exam:
    """A suite of the first four rows' questions, each `times` times; any answer passes without a check."""
    checks = compile_checks([check])
    cases = [
        (Case(f"{row.row}-{at}", row.messages[0].content, row.messages[1].content), checks)
        for at in range(times)
        for row in EXAMPLES[:4]
    ]
    return exam_for(base, template, "", "answers", cases, 8)


def planted(
    source: Path,
    out: Path,
    changed: dict[str, Any] | None = None,
    drop: list[str] | None = None,
    permute: dict[str, int] | None = None,
) -> Path:
    """A copy of a GGUF with faults in it: see `rewrite`."""
    rewrite(source, out, changed or {}, drop or [], permute or {})
    return out
