"""How long the full check of many chat rows takes, and how much memory: rows made of GSM8K's own sentences.

    .venv/bin/python -m scripts.real_runs.check_speed [--rows 100000] [--model builtin:tiny] [--json]

Each row has as many sentences as a real one, drawn from the whole set, with their numbers drawn anew: rows
are neither copies of each other nor unlike real text. No embedder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from scripts.real_runs.commands import TEMPER, shared_data, versions

SENTENCE = re.compile(r"[^.?!\n]+[.?!\n]*\s*")
NUMBER = re.compile(r"\d+")
POLL_SECONDS = 0.05


def sentences(text: str) -> list[str]:
    """A text in sentences, nothing lost."""
    return SENTENCE.findall(text)


def made_rows(real: list[dict[str, str]], rows: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """`rows` chat rows: each follows a real row's number of sentences, with sentences of many."""
    chance = random.Random(seed)
    pools = {key: [one for row in real for one in sentences(row[key])] for key in ("question", "answer")}
    for _ in range(rows):
        pattern = chance.choice(real)
        turns = {
            key: "".join(_varied(chance.choice(pool), chance) for _ in sentences(pattern[key]))
            for key, pool in pools.items()
        }
        yield {
            "messages": [
                {"role": "user", "content": turns["question"].strip()},
                {"role": "assistant", "content": turns["answer"].strip() or "0"},
            ]
        }


def _varied(sentence: str, chance: random.Random) -> str:
    return NUMBER.sub(lambda _: str(chance.randint(2, 999)), sentence)


def measured(command: list[str], where: Path) -> dict[str, Any]:
    """Run a command; its seconds, those of processor time that it and its children took, and the most memory
    that they held at once, in MiB. Processor time says less of what else the machine did.
    """
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE, text=True)
    most = [0]
    spent: dict[int, float] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            family = _family(process.pid)
            most[0] = max(most[0], _memory(family))
            spent.update(_processor_seconds(family))
            done.wait(POLL_SECONDS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    done.set()
    watcher.join()
    return {
        "code": process.returncode,
        "seconds": round(time.monotonic() - begin, 1),
        "processor_seconds": round(sum(spent.values()), 1),
        "peak_mib": most[0] >> 20,
        "output": output,
    }


def _family(pid: int) -> list[psutil.Process]:
    """A process and all below it; none where it has ended."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _processor_seconds(family: list[psutil.Process]) -> dict[int, float]:
    """Seconds of processor time that each process has taken so far."""
    seconds: dict[int, float] = {}
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds[process.pid] = times.user + times.system
    return seconds


def _memory(family: list[psutil.Process]) -> int:
    """Bytes of processes; pages that they share count once (proportional set size)."""
    total = 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def main() -> int:
    """Make the rows, import and check them, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--model", default="", help="count tokens with this model's tokenizer")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    data = shared_data()
    if data is None:
        print("The data is not there: set TEMPER_SHARED_DATA to its folder.", file=sys.stderr)
        return 3
    real = [json.loads(line) for line in (data / "instruct" / "gsm8k" / "train.jsonl").open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "speed"
        subprocess.run([TEMPER, "init", root, "--template", "blank"], check=True, stdout=subprocess.DEVNULL)
        source = root / "data" / "rows.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for row in made_rows(real, chosen.rows):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        megabytes = source.stat().st_size / 1e6
        imported = measured(
            [str(TEMPER), "data", "import", str(source), "--as", "speed", "--heldout", "0.1"], root
        )
        model = ["--model", chosen.model] if chosen.model else []
        checked = measured([str(TEMPER), "data", "check", "speed", *model, "--json"], root)
    found = json.loads(checked["output"])
    figures = {
        "rows": chosen.rows,
        "megabytes": round(megabytes, 1),
        "import_seconds": imported["seconds"],
        "import_megabytes_per_minute": round(megabytes / imported["seconds"] * 60),
        "import_peak_mib": imported["peak_mib"],
        "check_seconds": checked["seconds"],
        "check_processor_seconds": checked["processor_seconds"],
        "check_peak_mib": checked["peak_mib"],
        "findings": {one["id"]: one["count"] for one in found["findings"]},
        "load": round(os.getloadavg()[0], 1),
        "versions": versions(),
    }
    print(
        json.dumps(figures, indent=2) if chosen.json else "\n".join(f"{k:<28}{v}" for k, v in figures.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
