"""The model of G6 to G9: a random Llama of 160M weights with a vocabulary of 128,000, as GGUF.

The converter makes it from random weights and the embedded base's tokenizer, which gets words without merges
until there are enough: whole ASCII pieces that only a model writes. Made once, then kept in the system's
folder for temporary files, by the hash of this file. Its text means nothing; its cost is that of a real one.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from engine.export.convert import to_gguf
from engine.export.quantise import quantise
from engine.models.builtin import builtin_directory
from store.hashing import sha256_of_file

VOCABULARY = 128_000
LAYERS, HIDDEN, FEED_FORWARD, HEADS, KEY_VALUE_HEADS = 10, 768, 2048, 12, 4
POSITIONS = 8192


def random_llama() -> dict[str, Path]:
    """The files by type: `f32` and `q8_0`."""
    folder = Path(tempfile.gettempdir()) / f"temper-bench-{sha256_of_file(Path(__file__))[:12]}"
    folder.mkdir(exist_ok=True)
    f32, q8 = folder / "f32.gguf", folder / "q8_0.gguf"
    if not f32.exists():
        with tempfile.TemporaryDirectory() as scratch:
            to_gguf(_base(Path(scratch)), f32, "f32", "random llama")
    if not q8.exists():
        quantise(f32, q8, "q8_0")
    return {"f32": f32, "q8_0": q8}


def _base(folder: Path) -> Path:
    """A Hugging Face directory with random weights of a fixed seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_VALUE_HEADS,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
    )
    model: Any = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    _write_tokenizer(folder)
    return folder


def _write_tokenizer(folder: Path) -> None:
    source = builtin_directory("tiny")
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    taken = len(vocabulary)
    vocabulary |= {f"\u0120w{number}": number for number in range(taken, VOCABULARY)}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_bytes((source / "tokenizer_config.json").read_bytes())
