"""The material of G1: real rows of five kinds, tokenised once for both arms, and a random model to train.

The mix is what one GPU is asked to train in practice: worked answers, JSON, one-word intents, tool calls,
long instructions. Does not know how it is trained.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from engine.data.importing import import_dataset
from engine.data.rendering import Renderer, Row
from engine.models.directory import ModelDirectory
from store import datasets
from store.paths import WorkspacePaths
from store.records.data import ImportOptions

CAP, EACH = 2048, 400
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SOURCES: dict[str, tuple[str, ImportOptions]] = {
    "gsm8k": ("instruct/gsm8k/train.jsonl", ImportOptions()),
    "json": ("instruct/json_mode/train.jsonl", ImportOptions()),
    "intents": (
        "wallet/banking77/train.csv",
        ImportOptions(map={"input": "text", "answer": "category"}, answer_json="intent"),
    ),
    "tools": ("preference/llama_factory/glaive_toolcall_en_demo.json", ImportOptions()),
    "tasks": ("instruct/seed_tasks/seed_tasks.jsonl", ImportOptions()),
}


def make_model(folder: Path, data: Path, hidden: int, layers: int) -> Path:
    """A random Llama with a real tokenizer of 32,000 entries, in the new directory `folder`."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(next((data / "tokenizers" / "phi-3").glob("tokenizer.json"))))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="<|end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden,
        intermediate_size=hidden * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=CAP,
        bos_token_id=fast.bos_token_id,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def rows_of(model: Path, data: Path, names: Iterable[str]) -> list[Row]:
    """The rows of some sources, `EACH` of a source at most, as the model sees them, in a seeded order."""
    renderer = Renderer(ModelDirectory(model), "", "")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = WorkspacePaths(Path(folder))
        for name in names:
            file, options = SOURCES[name]
            import_dataset(paths, data / file, name, options)
            examples = islice(datasets.iterate_rows(paths, name), EACH)
            rows += [renderer.row(example, CAP) for example in examples]
    kept = [row for row in rows if row.trained]
    random.Random(0).shuffle(kept)
    return kept


def grouped(rows: list[Row], steps: int, batch: int, order: list[int]) -> list[Row]:
    """The rows, so placed that `order`, which names `batch` of them for each step, names rows of like length.

    The steps are drawn from those that the stock sampler makes of all rows.
    """
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    lengths = [len(row.input_ids) for row in rows]
    indices = get_length_grouped_indices(lengths, batch, generator=torch.Generator().manual_seed(0))
    whole = [indices[at : at + batch] for at in range(0, len(indices) - batch + 1, batch)]
    chosen = [index for step in random.Random(0).sample(whole, steps) for index in step]
    taken, rest = set(chosen), iter(set(range(len(rows))) - set(chosen))
    assert len(taken) == len(order)
    source = dict(zip(order, chosen, strict=True))
    return [rows[source[place] if place in source else next(rest)] for place in range(len(rows))]


def uniform(rows: list[Row], length: int) -> list[Row]:
    """As many rows of one length, cut out of `rows`: where padding costs nothing."""
    ids = [token for row in rows for token in row.input_ids]
    return [Row(part, part, line) for line, part in enumerate(batched(ids, length))]


def batched(ids: list[int], length: int) -> Iterable[list[int]]:
    """Whole pieces of `length` tokens."""
    return (ids[begin : begin + length] for begin in range(0, len(ids) - length + 1, length))


def write(rows: Iterable[Row], path: Path) -> Path:
    """Rows as both arms read them."""
    found: list[dict[str, Any]] = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    path.write_text(json.dumps(found))
    return path
