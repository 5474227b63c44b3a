"""Model directories for tests that carry the real chat templates of many families, found in the trl package.

The embedded base's tokenizer with the family's special tokens added, or a small SentencePiece-like one made
here; no weights. The templates are stock ones: none has `{% generation %}` unless its name says training.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import Literal

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory

Kind = Literal["byte", "prepend", "metaspace"]
BOS = "<bos>"
STOPS = {
    "qwen": ["<|im_end|>"],
    "llama3": ["<|eot_id|>"],
    "gemma4": ["<turn|>", "<|tool_response>"],
    "gemma": ["<end_of_turn>"],
    "phi3": ["<|end|>", "<|endoftext|>"],
    "deepseek": ["<\uff5cend\u2581of\u2581sentence\uff5c>"],
    "cohere": ["<|END_OF_TURN_TOKEN|>"],
    "glm": ["<|endoftext|>", "<|user|>", "<|observation|>"],
    "gptoss": ["<|return|>", "<|call|>"],
    "lfm2": ["<|im_end|>"],
    "nemotron": ["<|im_end|>"],
    "muse": ["<|eot|>"],
    "smolvlm": ["<end_of_utterance>"],
}
_BAR = "\uff5c"  # DeepSeek's
_SPECIAL = re.compile(
    rf"<\|[A-Za-z0-9_/]+\|?>|<[a-z_]+\|>|<{_BAR}[^{_BAR}>]+{_BAR}>|<(?:start|end)_of_(?:turn|utterance)>"
)
_CORPUS = ["Where is my card? It is lost, the old house was red.", "naïve café: 1, 2, 3 and 44!"] * 4


def template_of(family: str) -> str:
    """The text of a family's chat template."""
    return (_templates() / f"{family}.jinja").read_text(encoding="utf-8")


def stops_of(family: str) -> list[str]:
    """The tokens that end an answer of a family, the first is the tokenizer's own."""
    return next(stops for name, stops in STOPS.items() if family.startswith(name))


def family_base(folder: Path, family: str, kind: Kind = "byte", strips: bool = False) -> ModelDirectory:
    """A model directory in the new folder `folder`. `strips`: special tokens swallow white space behind."""
    return base_with(folder, template_of(family), stops_of(family), kind, strips)


def base_with(
    folder: Path, template: str, stops: list[str], kind: Kind = "byte", strips: bool = False
) -> ModelDirectory:
    """A model directory with this chat template, answers ending with one of `stops`."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer.from_str(_tokenizer(kind))
    special = sorted({*_SPECIAL.findall(template), *stops, BOS})
    tokenizer.add_special_tokens([AddedToken(one, normalized=False, rstrip=strips) for one in special])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    ids = [tokenizer.token_to_id(one) for one in stops]
    _write(folder / "config.json", {"eos_token_id": ids[0]})
    _write(folder / "generation_config.json", {"eos_token_id": ids})
    _write(folder / "tokenizer_config.json", {"eos_token": stops[0], "bos_token": BOS})
    header = b"{}"
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return ModelDirectory(folder)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _templates() -> Path:
    found = importlib.util.find_spec("trl")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "chat_templates"


@functools.cache
def _tokenizer(kind: Kind) -> str:
    if kind == "byte":
        return (builtin_directory("tiny") / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if kind == "prepend":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        training = Tokenizer(models.BPE(unk_token="<unk>"))
        training.normalizer = tokenizer.normalizer
        training.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        training = Tokenizer(models.BPE(unk_token="<unk>"))
        training.pre_tokenizer = tokenizer.pre_tokenizer
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=pieces, show_progress=False)
    training.train_from_iterator(_CORPUS, trainer)
    learned = json.loads(training.to_str())["model"]
    whole = json.loads(tokenizer.to_str())
    whole["model"] |= {"vocab": learned["vocab"], "merges": learned["merges"]}
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return str(tokenizer.to_str())
