"""How long from a JSONL file to an adapter, a GGUF file and its first token, against stock tools (G13).

The 1B shape in 4 bits, with GPT-2's tokenizer (which llama.cpp knows), on the support template's rows: TRL,
PEFT's merge, llama.cpp's converter and quantiser and a completion, one after the other, against `temper`'s
train and export and the same file answered.
Gate: both files have the same tensors by name, type and shape, and a first token.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from engine.export.onepass.layout import read_layout
from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.commands import Temper, environment
from scripts.gpu.out import _material
from scripts.gpu.plan import HERE
from scripts.gpu.safe.lease import events
from store.paths import converter_dir

MINUTES = 4.0
BATCH = 8
QUESTION = "What do I do if my phone is lost?"
FIRST = "import sys, llama_cpp; l = llama_cpp.Llama(sys.argv[1], n_ctx=512, n_gpu_layers=-1, verbose=False); "
FIRST += "print(l.create_completion(sys.argv[2], max_tokens=1, temperature=0)['usage']['completion_tokens'])"


def run(bench: Bench) -> Found:
    """Both arms, once or twice: each takes a minute and more."""
    need_llama(bench)
    found, table = Found(), []
    steps = bench.size(100, 4)
    shape = "nano-gpt2" if bench.rehearse else bench.smaller
    base = _material.with_gpt2(shape, _material.real_data(bench), bench.scratch / "base")
    for turn in range(bench.size(2, 1)):
        folder = bench.scratch / str(turn)
        folder.mkdir()
        temper = Temper(folder / "workspace")  # the rows are a user's file before either begins
        stock, theirs = whole_stock(base, temper.root / "data" / "support.jsonl", folder, steps)
        ours, mine = whole_temper(base, temper, steps)
        detail, same = compared(theirs, mine)
        found.gate(f"turn {turn + 1}", same, detail)
        table.append(
            {
                "turn": turn + 1,
                "stock s": round(sum(stock.values()), 1),
                "Temper s": round(sum(ours.values()), 1),
                "ratio": round(sum(stock.values()) / sum(ours.values()), 3),
                "without its ship check": round(
                    sum(stock.values()) / (sum(ours.values()) - ours["ship check"]), 3
                ),
                "stock": ", ".join(f"{name} {value:.1f}" for name, value in stock.items()),
                "Temper": ", ".join(f"{name} {value:.1f}" for name, value in ours.items()),
            }
        )
    best = median(float(str(row["ratio"])) for row in table)
    found.goal("G13: times as fast from rows to a first token", best, ">= 3")
    bare = median(float(str(row["without its ship check"])) for row in table)
    found.figures["ratio without the ship check, which stock tools lack"] = bare
    found.figures["turns"] = table
    return found


def whole_stock(base: Path, rows: Path, folder: Path, steps: int) -> tuple[dict[str, float], Path]:
    """Seconds of each stock tool, and the file."""
    out = folder / "stock.gguf"
    arms = HERE / "out" / "arms"
    given = [str(base), str(rows), str(folder / "adapter"), str(steps), str(BATCH)]
    converter = str(converter_dir() / "convert_hf_to_gguf.py")
    taken = {"train": timed([str(arms / "whole_train.py"), *given])}
    files = [str(base), str(folder / "adapter"), str(folder / "merged"), str(out), converter]
    taken["export"] = timed([str(arms / "whole_export.py"), *files])
    taken["first token"] = timed(["-c", FIRST, str(out), QUESTION])
    return taken, out


def whole_temper(base: Path, temper: Temper, steps: int) -> tuple[dict[str, float], Path]:
    """Seconds of each command, and the file."""
    begin = time.perf_counter()
    changes = [f"max_steps={steps}", f"batch_size={BATCH}", "warmup_steps=0", "lora.rank=16", "lora.alpha=32"]
    changes.append('forgetting=""')  # the stock tools ask nothing of it
    options = [part for one in changes for part in ("--set", one)]
    run_id = temper.ask("train", "recipes/support.toml", "--base", str(base), *options)["run_id"]
    trained = time.perf_counter()
    told: dict[str, Any] = temper.ask("export", run_id, "--quant", "q8_0", "--out", "exports")
    exported = time.perf_counter()
    file = Path(told["files"][0]["path"])
    file = file if file.is_absolute() else temper.root / file
    first = timed(["-c", FIRST, str(file), QUESTION])
    checked = checking(temper, told["run_id"])  # the stock tools check nothing
    made = exported - trained - checked
    return {"train": trained - begin, "export": made, "ship check": checked, "first token": first}, file


def checking(temper: Temper, run_id: str) -> float:
    """Seconds of an export's ship check, from its first progress to the end of the run."""
    told = events(temper.root, run_id)
    begins = [one["time"] for one in told if one["kind"] == "progress" and one["phase"].startswith("check")]
    ends = [one["time"] for one in told if one["kind"] == "finished"]
    if not begins or not ends:
        return 0.0
    begin, end = (datetime.fromisoformat(one) for one in (begins[0], ends[0]))
    return (end - begin).total_seconds()


def timed(arguments: list[str]) -> float:
    """Seconds of a program of Python's. Raises CalledProcessError when it fails."""
    begin = time.perf_counter()
    given = environment() | {"HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, *arguments], check=True, env=dict(os.environ) | given, stdout=sys.stderr)
    return time.perf_counter() - begin


def compared(one: Path, other: Path) -> tuple[str, bool]:
    """Whether two files hold the same tensors by name, type and shape."""
    first, second = (
        {slot.name: (slot.type, tuple(slot.shape)) for slot in read_layout(file).slots}
        for file in (one, other)
    )
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    same = f"{len(first)} tensors alike"
    return (json.dumps(differing[:5]) if differing else same), not differing
