"""Every importer on files that nobody here wrote, and the speed and memory of an import on a generated file.

The generated chats are of random words, seeded; their lengths are those of short support conversations.
"""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.real_runs.commands import Commands

MEGABYTES = 200
SLOWEST = 100.0  # MB a minute
LARGEST = 600.0  # MB resident
_QUESTION = ("--map", "input=query", "--map", "answer=gold_doc")
# Path, and what has to be said about it.
SOURCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("wallet/banking77/train.csv", ("--map", "input=text", "--map", "answer=category")),
    ("wallet/kb", ()),
    ("wallet/kb_title_queries_dev.jsonl", ("--map", "input=query", "--map", "answer=gold_path")),
    ("contracts/smartbugs_dev.jsonl", ("--map", "text=source_code")),
    ("contracts/swc_samples_dev.jsonl", ("--map", "input=source_code", "--map", "answer=swc")),
    ("contracts/swc_docs", ()),
    ("defi/eips", ()),
    ("defi/aips", ()),
    ("defi/eip_queries_dev.jsonl", _QUESTION),
    ("defi/aip_queries_dev.jsonl", _QUESTION),
    ("retrieval/chunking_evaluation/corpora", ()),
    (
        "retrieval/chunking_evaluation/questions_df.csv",
        ("--map", "input=question", "--map", "answer=references"),
    ),
    ("instruct/json_mode/train.jsonl", ()),
    ("instruct/bfcl/BFCL_v4_multiple.json", ("--map", "input=question", "--map", "answer=function")),
    ("instruct/gsm8k/train.jsonl", ()),
    ("instruct/maskbench/maskbench_dev.jsonl", ("--map", "input=description", "--map", "answer=schema")),
    ("instruct/seed_tasks/seed_tasks.jsonl", ()),
    ("preference/llama_factory/dpo_train.jsonl", ()),
    ("preference/llama_factory/kto_en_demo.json", ()),
    ("preference/llama_factory/glaive_toolcall_en_demo.json", ()),
    ("preference/llama_factory/identity.json", ()),
    (
        "preference/persona/agreeableness.jsonl",
        ("--map", "input=question", "--map", "answer=answer_matching_behavior"),
    ),
    (
        "preference/persona/risk-averse.jsonl",
        ("--map", "input=question", "--map", "answer=answer_matching_behavior"),
    ),
    ("forgetting/bbh/boolean_expressions.json", ("--map", "input=input", "--map", "answer=target")),
    ("forgetting/bbh/date_understanding.json", ("--map", "input=input", "--map", "answer=target")),
    ("forgetting/bbh/object_counting.json", ("--map", "input=input", "--map", "answer=target")),
    ("forgetting/ifeval/first50.jsonl", ("--map", "text=prompt")),
    ("guardrails/presidio_dev.json", ("--map", "text=full_text")),
    ("guardrails/xstest_prompts.jsonl", ("--map", "text=prompt")),
)


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Import all, then time one large file. The gate: reports add up, and speed and memory are in bounds."""
    temper.run("init", temper.root, "--template", "blank")
    figures: dict[str, Any] = {}
    adds_up = True
    for number, (path, said) in enumerate(SOURCES):
        info = temper.run("data", "import", data / path, "--as", f"set{number}", *said)
        adds_up &= info["rows_in"] == info["rows_kept"] + len(info["dropped"])
        figures[path] = described(info)
    source = temper.root / "generated.jsonl"
    size = write_chats(source, MEGABYTES * 1_000_000) / 1e6
    speeds: list[float] = []
    for name, said in (("generated", ()), ("generated, 10% held out", ("--heldout", "0.1"))):
        begin, used = time.monotonic(), _processor_seconds()
        info = temper.run("data", "import", source, "--as", f"large{len(speeds)}", *said)
        seconds, used = time.monotonic() - begin, _processor_seconds() - used
        speeds.append(size / seconds * 60)
        figures[name] = (
            f"{info['rows_kept']:,} rows, {size:.0f} MB in {seconds:.0f} s: {speeds[-1]:.0f} MB/min"
            f" ({size / used * 60:.0f} per minute of processor time)"
        )
    source.unlink()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    passed = adds_up and min(speeds) >= SLOWEST and peak <= LARGEST
    return {"passed": passed, **figures, "peak memory": f"{peak:.0f} MB resident"}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def described(info: dict[str, Any]) -> str:
    """Kind, rows and drops of one import, with the commonest reason."""
    reasons = [drop["reason"] for drop in info["dropped"]]
    why = f" ({max(set(reasons), key=reasons.count)})" if reasons else ""
    return f"{info['kind']} ({info['shape']}): {info['rows_kept']:,} kept, {len(reasons):,} dropped{why}"


def write_chats(path: Path, least: int) -> int:
    """A JSONL file of chats of at least that many bytes; returns how many it has."""
    size = 0
    with path.open("wb") as file:
        for line in _chats():
            size += file.write(line)
            if size >= least:
                return size
    return size


def _chats(seed: int = 0) -> Iterator[bytes]:
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(5000)]
    while True:
        turns = [{"role": "system", "content": "You are kind — be brief."}]
        for _ in range(chance.randint(1, 3)):
            asked, answered = (
                " ".join(chance.choices(words, k=chance.randint(*most))) for most in ((10, 60), (20, 150))
            )
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        yield json.dumps({"messages": turns}, ensure_ascii=False).encode() + b"\n"
