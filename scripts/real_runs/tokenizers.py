"""Does a GGUF give the ids of the tokenizer.json? The stock converter against Temper's, on real tokenizers.

The gate: with Temper every text has the ids that it should have. Models around the tokenizers are random:
only their vocabularies are looked at.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from engine.export import convert
from engine.export.hard_texts import HARD_TEXTS, typed_specials
from engine.inference.llama import Model
from engine.models.builtin import builtin_directory
from engine.models.tokenizer import encode, load_tokenizer
from scripts.real_runs.commands import Commands
from store.errors import TemperError

SEPARATOR = "\n__ggml_vocab_test__\n"


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Convert every directory both ways and count the texts that have their ids."""
    lines = (data / "instruct" / "seed_tasks" / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    seeds = [json.loads(line)["instruction"] for line in lines]
    figures: dict[str, Any] = {"passed": True}
    for name, directory, known in directories(data, temper.root):
        for way, converting in (("stock", stock), ("temper", ours)):
            out = temper.root / f"{name}-{way}.gguf"
            try:
                with converting():
                    convert.to_gguf(directory, out, "f16")
            except TemperError as error:
                figures[f"{name}, {way}"] = f"refused: {error.happened.rpartition(': ')[2]}"
                continue
            counts = counted(out, directory, seeds, known)
            figures[f"{name}, {way}"] = ", ".join(f"{part} {right}/{n}" for part, right, n in counts)
            figures["passed"] &= way == "stock" or all(right == n for _, right, n in counts)
    return figures


def directories(data: Path, root: Path) -> Iterator[tuple[str, Path, list[tuple[str, list[int]]]]]:
    """Name, model directory and, where somebody has published them, texts with their ids."""
    yield "builtin:tiny", builtin_directory("tiny"), []
    yield "stories260k", data / "models" / "stories260k", []
    for kind, name in (("phi3", "phi-3"), ("llama", "phi-3 as Llama")):
        folder = random_model(root / name, 32_064, kind)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(data / "tokenizers" / "phi-3" / file, folder / file)
        yield name, folder, published(data, "phi-3")
    yield "gpt-2", gpt2(data, random_model(root / "gpt-2", 50_257, "llama")), published(data, "gpt-2")


def random_model(folder: Path, vocab_size: int, kind: str) -> Path:
    """One small layer with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(kind, vocab_size=vocab_size, num_key_value_heads=2, **sizes, **ids)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def gpt2(data: Path, folder: Path) -> Path:
    """GPT-2's tokenizer.json, from its published vocabulary and merges."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    source = data / "tokenizers"
    lines = (source / "gpt2.merges.txt").read_text(encoding="utf-8").splitlines()
    merges = [(left, right) for left, _, right in (line.partition(" ") for line in lines[1:] if line)]
    vocabulary = json.loads((source / "gpt2.vocab").read_text(encoding="utf-8"))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>"}', encoding="utf-8")
    return folder


def published(data: Path, name: str) -> list[tuple[str, list[int]]]:
    """Texts and their ids, as llama.cpp's own tests keep them."""
    stem = data / "tokenizers" / f"ggml-vocab-{name}.gguf"
    texts = Path(f"{stem}.inp").read_bytes().decode("utf-8").split(SEPARATOR)
    ids = Path(f"{stem}.out").read_text(encoding="utf-8").split("\n")
    return [(text, [int(one) for one in line.split()]) for text, line in zip(texts, ids, strict=False)]


@contextmanager
def stock() -> Iterator[None]:
    """llama.cpp's converter as it comes."""
    with (
        mock.patch.object(convert, "read_vocabulary", return_value=None),
        mock.patch.object(convert, "begins_with_bos", return_value=None),
        mock.patch.object(convert, "gguf_name", lambda name, raw: name),
    ):
        yield


@contextmanager
def ours() -> Iterator[None]:
    """Temper's way, unchanged."""
    yield


def counted(
    file: Path, directory: Path, seeds: Sequence[str], known: Sequence[tuple[str, list[int]]]
) -> list[tuple[str, int, int]]:
    """(what, texts with the right ids, texts) by llama.cpp."""
    tokenizer = load_tokenizer(directory / "tokenizer.json")
    typed = typed_specials(token.content for token in tokenizer.get_added_tokens_decoder().values())
    model = Model(file, vocabulary_only=True)
    counts = []
    for part, texts in (("seed tasks", seeds), ("hard texts", HARD_TEXTS), ("typed specials", typed)):
        right = sum(model.tokenise(text) == encode(tokenizer, text) for text in texts)
        counts.append((part, right, len(texts)))
    if known:
        counts.append(("published", sum(model.tokenise(text) == ids for text, ids in known), len(known)))
    model.close()
    return counts
