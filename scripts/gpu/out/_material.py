"""A base that both llama.cpp's stock converter and Temper know: random weights with GPT-2's tokenizer."""

from __future__ import annotations

import json
import os
from pathlib import Path

from scripts.gpu import shapes
from scripts.gpu.bench import Bench, CannotRunError

TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}<|endoftext|>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
END = 50_256


def real_data(bench: Bench) -> Path:
    """The folder of real data, or what was carried of it. Raises CannotRunError where there is neither."""
    from scripts.real_runs.commands import shared_data

    if (bench.carried / "data" / "tokenizers" / "gpt2.vocab").is_file():
        os.environ["TEMPER_SHARED_DATA"] = str(bench.carried / "data")
    found = shared_data()
    if found is None:
        raise CannotRunError("no tokenizer was carried: python -m scripts.gpu.rows, where the real data is")
    return found


def with_gpt2(shape: str, data: Path, folder: Path) -> Path:
    """A model of that shape in the new directory `folder`; its weights are links."""
    from scripts.real_runs.tokenizers import gpt2

    source = shapes.random_model(shape)
    folder.mkdir()
    for file in source.glob("*.safetensors*"):
        (folder / file.name).symlink_to(file)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config |= {"bos_token_id": END, "eos_token_id": END, "pad_token_id": END}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    gpt2(data, folder)
    tokenizer = {
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "add_bos_token": False,
        "chat_template": TEMPLATE,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder
