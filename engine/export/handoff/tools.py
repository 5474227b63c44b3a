"""Which programs an export is handed to, what each needs beside it, and the command that runs it there.

Writes small files only. Knows nothing of workspaces.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.data.rendering import stop_ids
from engine.export.adapter_settings import read_settings
from engine.export.handoff.modelfile import modelfile
from engine.export.handoff.script import script
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import load_tokenizer
from store import atomic
from store.errors import UsageError
from store.records.hand_offs import HandOff, Tool
from store.records.workspace import Sampling

GGUF_TOOLS: tuple[Tool, ...] = ("ollama", "lmstudio")
"""Programs that read GGUF; the others read safetensors."""
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM takes as --max-lora-rank
_ANSWER = 512  # tokens that a server keeps free for an answer


class Source(msgspec.Struct):
    """What was exported. `model` is a directory with the weights merged, or the base where `adapter`, a PEFT
    folder, goes on top. `gguf` is the file for programs that read GGUF; `adapter_gguf` lies over it.
    """

    stem: str
    base: ModelDirectory
    model: Path
    adapter: Path | None = None
    gguf: Path | None = None
    adapter_gguf: Path | None = None
    template: str = ""
    system: str = ""
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    licence: str = ""


def hand_off(tool: Tool, source: Source, out: Path) -> HandOff:
    """Write what `tool` needs into `out`; the record says which files, and the command to run.

    Raises UsageError where the program cannot run this model as it was trained.
    """
    makers: dict[Tool, Callable[[Source, Path], HandOff]] = {
        "ollama": for_ollama,
        "lmstudio": for_lmstudio,
        "vllm": for_vllm,
        "tgi": for_tgi,
        "transformers": for_transformers,
    }
    return makers[tool](source, out)


def written_names(tool: Tool, stem: str) -> list[str]:
    """What the files are called that `hand_off` writes."""
    names: dict[Tool, list[str]] = {"ollama": [f"{stem}.Modelfile"], "transformers": [f"{stem}-ask.py"]}
    return names.get(tool, [])


def for_ollama(source: Source, out: Path) -> HandOff:
    """A Modelfile beside the GGUF."""
    assert source.gguf is not None  # made for GGUF_TOOLS
    text = modelfile(
        source.base,
        source.gguf,
        source.adapter_gguf,
        source.template,
        source.system,
        source.sampling,
        source.licence,
    )
    file = out / written_names("ollama", source.stem)[0]
    atomic.write_bytes(file, text.encode())
    name = ollama_name(source.stem)
    command = (
        f"ollama create {shlex.quote(name)} -f {shlex.quote(str(file))} && ollama run {shlex.quote(name)}"
    )
    return HandOff("ollama", command, [str(file)])


def ollama_name(stem: str) -> str:
    """A name that Ollama takes: letters, digits, dots, dashes, underscores; at most 80 (its types/model)."""
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._")[:80] or "model"


def for_lmstudio(source: Source, out: Path) -> HandOff:
    """Nothing beside the GGUF: LM Studio reads template and stop tokens out of it."""
    assert source.gguf is not None  # made for GGUF_TOOLS
    if source.adapter_gguf is not None:
        raise cannot("LM Studio", "it loads no adapter files", "Export it merged: leave out --adapter-only")
    if source.template:
        raise cannot(
            "LM Studio",
            "the run was trained with a plain template, and it asks with the one in the file",
            "Use --for ollama.",
        )
    notes = [f"Set the system prompt there: {source.system}"] if source.system else []
    repo = f"temper/{source.stem}"  # where LM Studio files it; asked for otherwise
    command = shlex.join(["lms", "import", "--copy", "--user-repo", repo, str(source.gguf)])
    return HandOff("lmstudio", command, [], notes)


def for_vllm(source: Source, out: Path) -> HandOff:
    """The command only; with an adapter, vLLM puts it on the base."""
    notes = check_served(source, "vLLM")
    words = ["vllm", "serve", str(source.model), "--max-model-len", str(context(source.base))]
    if source.adapter is None:
        words += ["--served-model-name", source.stem]
    else:
        config = read_settings(source.adapter)
        if config.get("use_dora") or config.get("modules_to_save"):
            raise cannot("vLLM", "it serves plain LoRA only", "Export it merged: leave out --adapter-only")
        ranks = [int(config["r"]), *(config.get("rank_pattern") or {}).values()]
        rank = next((one for one in _RANKS if one >= max(ranks)), 0)
        if not rank:
            remedy = "Export it merged: leave out --adapter-only"
            raise cannot("vLLM", f"rank {max(ranks)} is more than its {_RANKS[-1]}", remedy)
        words += ["--enable-lora", "--lora-modules", f"{source.stem}={source.adapter}"]
        words += ["--max-lora-rank", str(rank)]
    return HandOff("vllm", shlex.join(words), [], notes)


def for_tgi(source: Source, out: Path) -> HandOff:
    """The command only, on merged weights."""
    if source.adapter is not None:
        raise cannot("TGI", "it wants merged weights", "Leave out --adapter-only")
    notes = check_served(source, "TGI")
    most = context(source.base)
    words = ["text-generation-launcher", "--model-id", str(source.model)]
    words += [
        "--max-input-tokens",
        str(max(1, most - min(_ANSWER, most // 2))),
        "--max-total-tokens",
        str(most),
    ]
    return HandOff("tgi", shlex.join(words), [], notes)


def for_transformers(source: Source, out: Path) -> HandOff:
    """A script that asks the model."""
    file = out / written_names("transformers", source.stem)[0]
    stops = sorted(stop_ids(source.base, load_tokenizer(source.base.tokenizer_file)))
    most = source.sampling.max_tokens
    text = script(file, source.model, source.adapter, source.system, source.template, stops, most)
    atomic.write_bytes(file, text.encode())
    return HandOff("transformers", f"python {shlex.quote(str(file))} 'a question'", [str(file)])


def check_served(source: Source, tool: str) -> list[str]:
    """What to mind with a server that asks by the model's own template. Raises UsageError without one."""
    if source.template or not source.base.chat_template:
        raise cannot(
            tool,
            "the run was trained with a plain template, and it asks by the model's own chat template",
            "Use --for ollama or --for transformers.",
        )
    return [f"Send the system prompt with every question: {source.system}"] if source.system else []


def context(base: ModelDirectory) -> int:
    """Tokens of a conversation: what the model was made for."""
    return base.context_length or 4096


def cannot(tool: str, reason: str, remedy: str) -> UsageError:
    """A program that would not run the model as it was trained."""
    return UsageError(f"{tool} cannot run this as it was trained", f"The reason: {reason}.", remedy)
