"""Models with random weights in real shapes: they learn nothing, and take the time and memory of real ones.

Made on the machine itself, in the system's folder for temporary files, once for all steps that want them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.models.builtin import builtin_directory
from engine.models.directory import INDEX
from store.hashing import sha256_of_file

SEED = 0


@dataclass(frozen=True)
class LlamaShape:
    """A Llama's sizes; `positions` is how long its rows may be."""

    hidden: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    vocabulary: int
    positions: int

    @property
    def multiplied(self) -> int:
        """Weights that a token is multiplied with: the layers' matrices and the head."""
        narrow = self.hidden // self.heads * self.key_heads
        layer = 2 * self.hidden * (self.hidden + narrow) + 3 * self.hidden * self.inner
        return self.layers * layer + self.vocabulary * self.hidden

    def flops(self, length: int) -> float:
        """Floating-point operations that training an adapter must do for a token of a row of `length`.

        4 for each weight (2 forward, 2 backward to the activations; the weights' own gradient is not needed),
        and attention: 4 x hidden for each of the length / 2 tokens that one sees on average, 3.5 times over,
        since the backward pass takes 2.5 as much (Dao, "FlashAttention-2", 2023, section 4.1).
        """
        attention = self.layers * 4 * self.hidden * length / 2
        return 4 * self.multiplied + 3.5 * attention


# 1b and 8b are Llama 3's, from the config.json that Meta published with them; the context is Llama 3.1's
SHAPES = {
    "nano": LlamaShape(64, 160, 2, 4, 2, 4096, 512),
    "nano-gpt2": LlamaShape(64, 160, 2, 4, 2, 50_304, 512),
    "1b": LlamaShape(2048, 8192, 16, 32, 8, 128_256, 131_072),
    "8b": LlamaShape(4096, 14336, 32, 32, 8, 128_256, 131_072),
}


def random_model(name: str) -> Path:
    """The directory of a model of that shape in bfloat16, a shard per layer, with the embedded tokenizer."""
    folder = Path(tempfile.gettempdir()) / f"temper-gpu-{name}-{sha256_of_file(Path(__file__))[:12]}"
    if folder.is_dir():
        return folder
    half = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    write(half, SHAPES[name])
    half.rename(folder)
    return folder


def write(folder: Path, shape: LlamaShape) -> None:
    """Config, tokenizer and weights."""
    tiny = builtin_directory("tiny")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy2(tiny / name, folder / name)
    config = json.loads((tiny / "config.json").read_text(encoding="utf-8"))
    config |= {
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_heads,
        "head_dim": shape.hidden // shape.heads,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "tie_word_embeddings": False,
        "dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(SEED)
    weight_map: dict[str, str] = {}
    for number, sizes in enumerate(shards(shape)):
        file = f"model-{number:05}.safetensors"
        tensors = {name: weight(name, size, device) for name, size in sizes.items()}
        save_file(tensors, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(sizes, file)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")


def shards(shape: LlamaShape) -> list[dict[str, tuple[int, ...]]]:
    """Names and shapes of a Llama's tensors: one shard for each layer, one for the rest."""
    hidden, inner = shape.hidden, shape.inner
    narrow = hidden // shape.heads * shape.key_heads
    layer = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (narrow, hidden),
        "self_attn.v_proj": (narrow, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    rest: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (shape.vocabulary, hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (shape.vocabulary, hidden),
    }
    return [
        rest,
        *(
            {f"model.layers.{number}.{name}.weight": size for name, size in layer.items()}
            for number in range(shape.layers)
        ),
    ]


def weight(name: str, size: tuple[int, ...], device: str) -> torch.Tensor:
    """Ones for norms, small normal numbers for the rest, as Llama starts."""
    if "norm" in name:
        return torch.ones(size, dtype=torch.bfloat16)
    return torch.empty(size, dtype=torch.bfloat16, device=device).normal_(std=0.02).cpu()
