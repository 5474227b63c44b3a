"""A real pretrained Llama (stories260k) through 50 QLoRA steps, merge and export.

The gate: the f16 file writes the merged model's greedy text for 64 tokens on all of 20 prompts, and the f32
and f16 files of the model itself write what it writes for 200 tokens from BOS on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.real_runs.commands import Commands
from store.records.workspace import Sampling
from store.runs import RunFolder, read_events

TOKENS = 64
LONG = 200
PROMPTS = (
    "Once upon a time, there was a little girl",
    "One day, a boy named Tim",
    "The big dog was very",
    "Lily wanted to play with",
    "In the garden there was",
    "Mom said that it was time to",
    "The sun was shining and",
    "A small bird sat on",
    "Ben and Mia went to the park.",
    "She was sad because",
    "The old man had a red",
    "They found a box under the",
    "It was raining outside, so",
    "The cat saw a mouse and",
    "He opened the door and",
    '"Can I have a cookie?" asked',
    "At night, the moon",
    "Sam had a new toy car.",
    "The fish lived in",
    "After lunch, the children",
)
RECIPE = """\
objective = "sft"
method = "qlora"
base = "{base}"
dataset = "seeds"
template = "{{prompt}}\\n{{completion}}"
max_steps = 50
forgetting = ""
batch_size = 4
learning_rate = 5e-4
max_length = 512
"""


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Import, train, export, compare."""
    model = data / "models" / "stories260k"
    temper.run("init", temper.root, "--template", "blank")
    temper.write("recipes/seeds.toml", RECIPE.format(base=model))
    seeds = data / "instruct" / "seed_tasks" / "seed_tasks.jsonl"
    imported = temper.run("data", "import", seeds, "--as", "seeds")
    trained = temper.run("train", "recipes/seeds.toml")
    exported = temper.run("export", "last", "--quant", "f16,q8_0")
    run_folder = temper.root / ".temper" / "runs" / trained["run_id"]
    merged = merged_texts(model, run_folder / trained["adapter"], temper.root / "merged")
    agreement = {
        file["type"]: agreed(merged, gguf_texts(located(temper.root, exported["run_id"], file["path"])))
        for file in exported["files"]
    }
    alone = {kind: from_bos(model, kind, temper.root) for kind in ("f32", "f16", "q8_0")}
    exact = agreement["f16"][0] == len(PROMPTS) and alone["f32"] == alone["f16"] == (LONG, LONG)
    return {
        "passed": exact and exported["ship_check"]["verdict"] != "BLOCK",
        "rows": f"{imported['rows_kept']} of {imported['rows_in']}",
        "notices": [f"{event.title}: {event.text}" for event in notices(run_folder)],
        **{f"greedy, {kind}": described(*figures) for kind, figures in agreement.items()},
        **{
            f"{LONG} tokens from BOS, {kind}": f"{before} before the first difference, {same} the same choice"
            for kind, (before, same) in alone.items()
        },
        "ship check": exported["ship_check"]["verdict"],
        "training": trained["metrics"],
    }


def described(same: int, share: float) -> str:
    """An agreement in words."""
    return f"{same} of {len(PROMPTS)} texts equal, {share:.1%} of tokens before a difference"


def notices(run_folder: Path) -> list[Any]:
    """What the run told the user: rows that were cut or left out among it."""
    return [event for event in read_events(RunFolder(run_folder).events) if hasattr(event, "level")]


def located(root: Path, run_id: str, path: str) -> Path:
    """An exported file, whose path may be relative to its run folder."""
    inside = root / ".temper" / "runs" / run_id / path
    return inside if inside.is_file() else root / path


def merged_texts(model: Path, adapter: Path, out: Path) -> list[list[int]]:
    """Greedy ids of the merged model in Transformers, in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    from engine.export.merge import merge
    from engine.models.directory import ModelDirectory
    from engine.models.tokenizer import encode_prompt, load_tokenizer

    base = ModelDirectory(model)
    merge(base, adapter, out)
    loaded: Any = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, local_files_only=True)
    tokenizer = load_tokenizer(base.tokenizer_file)
    texts = []
    for prompt in PROMPTS:
        ids = torch.tensor([encode_prompt(tokenizer, prompt, base.special_token("bos_token"))])
        written = loaded.generate(ids, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
        texts.append(written[0, ids.shape[1] :].tolist())
    return texts


def gguf_texts(file: Path) -> list[list[int]]:
    """Greedy ids of a GGUF file in llama.cpp; the token that ends a text included, as Transformers has it."""
    from engine.inference.generate import Request
    from engine.inference.llama import Model, quiet_backend
    from engine.inference.scheduler import Scheduler

    quiet_backend()
    model = Model(file)
    scheduler, texts = Scheduler(model, 512), []
    for prompt in PROMPTS:
        writing = scheduler.submit(Request(model.encode_prompt(prompt), Sampling(max_tokens=TOKENS)))
        scheduler.finish(writing)
        ended = [model.eos_id] if writing.finish_reason == "stop" else []
        texts.append(writing.ids + ended)
    scheduler.close()
    model.close()
    return texts


def from_bos(directory: Path, kind: str, root: Path) -> tuple[int, int]:
    """Of LONG tokens that the model writes greedily from BOS on in Transformers, float32: how many the file
    writes before it differs, and how many it would choose after the same text.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from engine.export.convert import to_gguf
    from engine.export.quantise import quantise
    from engine.inference.llama import Context, Model

    loaded: Any = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, local_files_only=True)
    file = to_gguf(directory, root / f"stories-{kind}.gguf", "f16" if kind == "f16" else "f32")
    model = Model(
        quantise(file, root / "stories-quantised.gguf", kind) if kind not in ("f32", "f16") else file
    )
    begin = torch.tensor([[model.bos_id]])
    text = loaded.generate(begin, max_new_tokens=LONG, do_sample=False, pad_token_id=0)[0].tolist()
    context, choices = Context(model, 2 * LONG), list[int]()
    for token in text[:-1]:
        context.append(token)
        choices.append(int(context.logits.argmax()))
    context.close()
    model.close()
    same = [left == right for left, right in zip(choices, text[1:], strict=True)]
    return (same.index(False) if False in same else LONG), sum(same)


def agreed(wanted: Sequence[list[int]], got: Sequence[list[int]]) -> tuple[int, float]:
    """How many texts are equal, and the share of tokens before the first difference."""
    same, before, total = 0, 0, 0
    for left, right in zip(wanted, got, strict=True):
        pairs = list(zip(left, right, strict=False))
        first = next((at for at, (a, b) in enumerate(pairs) if a != b), len(pairs))
        same += left == right
        before, total = before + first, total + len(left)
    return same, before / total
