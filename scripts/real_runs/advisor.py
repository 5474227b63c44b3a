"""The advisor in planted worlds: is what it says right where the right answer is known?

Each world is planted, evaluated, its failures named as they are guessed, and advised on with a probe; five
seeds each. TEMPER_WORLDS and TEMPER_SEEDS (names and numbers, separated by commas) choose some of them.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from scripts.real_runs.commands import Commands
from scripts.real_runs.worlds import WORLDS

SEEDS = (1, 2, 3, 4, 5)


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Every world and seed. The gate: every verdict is the right one."""
    temper.root.mkdir(parents=True)
    chosen = os.environ.get("TEMPER_WORLDS", ",".join(WORLDS)).split(",")
    seeds = [int(seed) for seed in os.environ.get("TEMPER_SEEDS", ",".join(map(str, SEEDS))).split(",")]
    right, told = 0, {}
    for name in chosen:
        for seed in seeds:
            world = f"{name}, seed {seed}"
            try:
                advice = advise(Commands(temper.root / f"{name}-{seed}"), name, seed)
            except subprocess.CalledProcessError as failed:  # the other worlds are still worth knowing
                told[world] = f"exit code {failed.returncode} of {shlex.join(failed.cmd[1:])}"
                continue
            right += advice["verdict"] == WORLDS[name][0]
            told[world] = described(advice)
    asked = len(chosen) * len(seeds)
    return {"passed": right == asked, "right": f"{right} of {asked}", **told}


def advise(temper: Commands, name: str, seed: int) -> dict[str, Any]:
    """The advice in one world."""
    options = WORLDS[name][1](temper, seed)
    temper.run("kb", "ingest", "--kb", "docs")
    temper.run("eval", "planted", "--variant", "base")
    temper.run("triage", "--confirm", "all")
    advice: dict[str, Any] = temper.run("advise", "planted", "--probe", *options)
    return advice


def described(advice: dict[str, Any]) -> str:
    """Verdict, bottleneck, and the share of right answers of each approach."""
    scores = ", ".join(f"{line['approach']} {line['score']:.0%}" for line in advice["ranking"])
    return f"{advice['verdict']} ({advice['binding']}): {scores}"
