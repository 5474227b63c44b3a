"""Ollama's Modelfile for a GGUF: template, stop tokens, system prompt, parameters.

The format is that of ollama's docs/modelfile.md. Knows nothing of how the GGUF came about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.data.rendering import stop_ids
from engine.export.convert import begins_with_bos
from engine.export.handoff.go_template import translate, translate_plain
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import load_tokenizer
from store.errors import UsageError
from store.records.workspace import Sampling

_FENCE = '"""'
CONTEXT_CAP = 8192
"""Most tokens of a context, as in chat: Ollama's own default is smaller and cuts prompts in silence."""


def modelfile(
    base: ModelDirectory,
    gguf: Path,
    adapter: Path | None = None,
    template: str = "",
    system: str = "",
    sampling: Sampling | None = None,
    licence: str = "",
) -> str:
    """The text of a Modelfile that lies beside `gguf`, and beside `adapter`, a GGUF over it.

    `template` is a recipe's plain one, instead of the base's own. Raises UsageError where the template cannot
    be translated.
    """
    lines = [f"FROM ./{gguf.name}"]
    if adapter is not None:
        lines.append(f"ADAPTER ./{adapter.name}")
    lines.append(f"TEMPLATE {fenced(ollama_template(base, template))}")
    if system and not template:
        lines.append(f"SYSTEM {fenced(system)}")
    lines += [f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}" for stop in stop_texts(base)]
    lines += [f"PARAMETER {name} {value}" for name, value in parameters(base, sampling or Sampling())]
    if licence:
        lines.append(f"LICENSE {fenced(licence)}")
    return "\n".join(lines) + "\n"


def ollama_template(base: ModelDirectory, template: str = "") -> str:
    """The recipe's plain template, or else the base's own, in Ollama's language."""
    if template:
        return translate_plain(template)
    bos, eos = base.special_token("bos_token"), base.special_token("eos_token")
    return translate(base.chat_template, bos, eos, bool(begins_with_bos(base)))


def stop_texts(base: ModelDirectory) -> list[str]:
    """The texts of the tokens that end an answer."""
    tokenizer = load_tokenizer(base.tokenizer_file)
    found = (tokenizer.id_to_token(token) for token in sorted(stop_ids(base, tokenizer)))
    return [text for text in found if text]


def parameters(base: ModelDirectory, sampling: Sampling) -> Sequence[tuple[str, float]]:
    """Ollama's names and values of how an answer is drawn, and the context's length."""
    found: list[tuple[str, float]] = [("temperature", sampling.temperature)]
    if sampling.top_p < 1:
        found.append(("top_p", sampling.top_p))
    if sampling.top_k:
        found.append(("top_k", sampling.top_k))
    found.append(("repeat_penalty", 1.0))  # Ollama's own is higher, and training knew none
    context = min(base.context_length or CONTEXT_CAP, CONTEXT_CAP)
    return [*found, ("num_ctx", context)]


def fenced(text: str) -> str:
    """A text of several lines as a Modelfile takes it. Raises UsageError for one that would end it early."""
    if _FENCE in text or text.endswith('"'):
        raise UsageError(
            "A text cannot stand in a Modelfile",
            f'It has {_FENCE} in it, or ends with a quote: "{text[-40:]}".',
            "Write the prompt without three quotes in a row.",
        )
    return f"{_FENCE}{text}{_FENCE}"
