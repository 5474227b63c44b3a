"""Makes the embedded tiny base model, engine/builtin/tiny, from text written for this project.

    python scripts/build_tiny_base.py [--steps N] [--out DIR]

A byte-level BPE tokenizer and a Llama of a million weights, trained from a fixed seed on the documents of
scripts/tiny_base. The same machine and thread count give the same bytes; another rounds differently.
The weights are float32: many CPUs compute bfloat16 a hundred times slower, and the demo runs on those too.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.tiny_base.chatml import END, END_OF_TEXT, SPECIAL, TEMPLATE  # noqa: E402  # needs the path above
from scripts.tiny_base.corpus import documents  # noqa: E402

SEED = 20260131
VOCABULARY = 4096
TOKENIZER_DOCUMENTS = 20_000
CONTEXT = 512
HIDDEN, INTERMEDIATE, LAYERS, HEADS = 128, 384, 4, 4
BLOCK, BATCH = 384, 10  # tokens of a training row, rows of a step
PEAK, WARMUP, WEIGHT_DECAY = 4e-3, 60, 0.05
PROMPT_WEIGHT = 0.3  # loss on what is asked, relative to what is answered
LARGEST_BYTES = 8_000_000


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description="Make the embedded tiny base model.")
    parser.add_argument("--steps", type=int, default=1400, help="optimiser steps (1400)")
    parser.add_argument("--out", type=Path, default=ROOT / "engine" / "builtin" / "tiny")
    chosen = parser.parse_args()
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer()
    model = LlamaForCausalLM(shape(tokenizer))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights, {torch.get_num_threads()} threads")
    train(model, tokenizer, chosen.steps)
    write(model, tokenizer, chosen.out)


def train_tokenizer() -> Tokenizer:
    """Byte-level BPE: any text has ids, and every id sequence is text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents(SEED, TOKENIZER_DOCUMENTS), trainer)
    return tokenizer


def shape(tokenizer: Tokenizer) -> LlamaConfig:
    """The model's configuration."""
    return LlamaConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(END_OF_TEXT),
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
    )


def blocks(tokenizer: Tokenizer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches [BATCH, BLOCK + 1] of ids and of loss weights: documents one behind the other."""
    ids: list[int] = []
    weights: list[float] = []
    size = BATCH * (BLOCK + 1)
    seed = SEED + 1
    while True:
        for document in documents(seed, 1000):
            new = tokenizer.encode(document).ids
            ids += new
            weights += loss_weights(new, tokenizer)
            if len(ids) >= size:
                yield (
                    torch.tensor(ids[:size]).view(BATCH, BLOCK + 1),
                    torch.tensor(weights[:size]).view(BATCH, BLOCK + 1),
                )
                ids, weights = ids[size:], weights[size:]
        seed += 1


def loss_weights(ids: list[int], tokenizer: Tokenizer) -> list[float]:
    """1 for an assistant's turn up to its end, and for text without turns; PROMPT_WEIGHT elsewhere."""
    start, end = tokenizer.token_to_id("<|im_start|>"), tokenizer.token_to_id(END)
    if start not in ids:
        return [1.0] * len(ids)
    assistant = tokenizer.encode("assistant\n").ids
    weights, answering = [], False
    for position, token in enumerate(ids):
        weights.append(1.0 if answering else PROMPT_WEIGHT)
        if token == end:
            answering = False
        before = ids[position - len(assistant) : position + 1]
        if before == [start, *assistant]:
            answering = True
    return weights


def train(model: LlamaForCausalLM, tokenizer: Tokenizer, steps: int) -> None:
    """AdamW, linear warm-up, cosine to nothing."""
    decayed = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.98))
    begin, shown = time.monotonic(), 0.0
    model.train()
    for step, (ids, weights) in zip(range(steps), blocks(tokenizer), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        logits = model(input_ids=ids[:, :-1]).logits
        losses = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
        )
        wanted = weights[:, 1:].flatten()
        loss = (losses * wanted).sum() / wanted.sum()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if time.monotonic() - shown > 20 or step == steps - 1:
            shown = time.monotonic()
            answers = losses[wanted == 1.0].mean()
            rest = (shown - begin) / (step + 1) * (steps - step - 1)
            done = f"step {step + 1}/{steps}  loss {loss:.3f}  answers {answers:.3f}"
            print(f"{done}  {rest / 60:.1f} min left", flush=True)


def learning_rate(step: int, steps: int) -> float:
    """Linear to the peak over WARMUP steps, then half a cosine to 2% of it."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    share = (step - WARMUP) / max(1, steps - WARMUP)
    return PEAK * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def write(model: LlamaForCausalLM, tokenizer: Tokenizer, out: Path) -> None:
    """A Hugging Face directory: weights, config, tokenizer, chat template."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().contiguous()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"  # tied: the embedding
    }
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"], "dtype": "float32"}
    write_json(out / "config.json", {key: value for key, value in config.items() if not key.startswith("_")})
    tokenizer.save(str(out / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": END_OF_TEXT,
        "bos_token": None,
        "add_bos_token": False,
        "model_max_length": CONTEXT,
        "chat_template": TEMPLATE,
    }
    write_json(out / "tokenizer_config.json", settings)
    generation = {"eos_token_id": model.config.eos_token_id, "do_sample": False}
    write_json(out / "generation_config.json", generation)
    for file in out.iterdir():
        file.chmod(0o644)  # safetensors writes for its owner alone
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"{out}: {size / 1e6:.2f} MB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"The model takes {size:,} bytes; it may take {LARGEST_BYTES:,}.")


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Readable JSON."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
