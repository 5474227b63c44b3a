"""The quantisation ladder: every type of an export measured, and the smallest that is still the model.

Each file is measured in a process of its own (rung_process.py); how far it is from the trained model is the
ship check's. Knows no workspace.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from engine.export.quantise import fallbacks
from store.errors import TemperError
from store.records.exports import ShipCheck
from store.records.ladders import Ladder, Measurement, Rung, RungTask

POLL_SECONDS = 0.05
LADDER = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "iq3_m", "iq2_m")
"""The types below the base's own, where nobody names others."""
PERPLEXITY_RISE = 0.02
"""In llama.cpp's own table (tools/perplexity/README.md, Llama 3 8B) q6_k costs .6%, q5_k_m 1.0%: twice the
latter is still close, and a coarser type is not chosen unseen."""
DIVERGENCE = 0.05
"""Nats per token from the trained model, an eighth of a bit and less; q5_k_m has .011 in the same table."""
RULE = (
    f"the smallest type that the ship check does not block, with at most {PERPLEXITY_RISE:.0%} more "
    f"perplexity on the rows' answers than the most exact type, at most {DIVERGENCE} nats per token from the "
    "trained model, and a suite score that is not surely lower than the trained model's"
)


def measured(
    file: Path,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[tuple[list[int], list[int]]],
    wait: Callable[[], None] = lambda: None,
) -> Measurement:
    """One file, in a fresh process. Raises TemperError with its last words when it fails.

    `wait` is called a few times per second; what it raises ends the process.
    """
    task = RungTask(str(file), [list(one) for one in prompts if one], list(answers))
    with tempfile.TemporaryDirectory(prefix="temper-") as scratch:
        asked, told = Path(scratch) / "task.json", Path(scratch) / "result.json"
        asked.write_bytes(msgspec.json.encode(task))
        command = [sys.executable, "-P", "-m", "engine.export.rung_process", str(asked), str(told)]
        code, words = run(command, Path(scratch) / "log", wait)
        if code != 0 or not told.is_file():
            sys.stderr.write(words + "\n")
            last = words.splitlines()[-1] if words else f"it ended with {code}"
            raise TemperError(
                "A type could not be measured", f"{file.name}: {last}", "The run's log has more."
            )
        return msgspec.json.decode(told.read_bytes(), type=Measurement)


def run(command: Sequence[str], log: Path, wait: Callable[[], None]) -> tuple[int, str]:
    """Exit code and what was said. The process does not outlive what `wait` raises."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        while process.poll() is None:
            wait()
            time.sleep(POLL_SECONDS)
    finally:
        process.kill()
        process.wait()
    return process.returncode, log.read_text(encoding="utf-8", errors="replace").strip()


def climb(
    files: Sequence[tuple[Path, str]],
    checks: Sequence[ShipCheck],
    prompts: Sequence[Sequence[int]],
    answers: Sequence[tuple[list[int], list[int]]],
    advance: Callable[[int], None] = lambda done: None,
    wait: Callable[[], None] = lambda: None,
) -> Ladder:
    """Measure (file, type), the most exact first, each with its ship check. `advance` counts files.

    `wait` as in `measured`.
    """
    rungs: list[Rung] = []
    exact: Measurement | None = None
    for (file, kind), check in zip(files, checks, strict=True):
        found = measured(file, prompts, answers, wait)
        exact = exact or found
        pairs = zip(found.written, exact.written, strict=True)
        rungs.append(
            Rung(
                type=kind,
                bytes=file.stat().st_size,
                load_seconds=found.load_seconds,
                tokens_per_second=found.tokens_per_second,
                memory_bytes=found.memory_bytes,
                perplexity=found.perplexity,
                kl_mean=check.kl_mean,
                suite_score=check.suite_score,
                changed=sum(one != other for one, other in pairs),
                answers=len(found.written),
                verdict=check.verdict,
                why_not=why_not(check, found.perplexity, exact.perplexity),
                flipped=check.flipped,
                suite_cases=check.suite_cases,
                fallbacks=len(fallbacks(file, kind)),
            )
        )
        advance(len(rungs))
    within = [rung for rung in rungs if not rung.why_not]
    smallest = min(within, key=lambda rung: rung.bytes).type if within else ""
    return Ladder(rungs, smallest, RULE)


def why_not(check: ShipCheck, perplexity: float | None, exact: float | None) -> str:
    """Why a type is out of tolerance by RULE; empty where it is not. What was not measured does not count."""
    if check.verdict == "BLOCK":
        return "the ship check blocks it"
    if perplexity is not None and exact is not None and perplexity > exact * (1 + PERPLEXITY_RISE):
        return f"perplexity is {perplexity / exact - 1:.1%} higher"
    if check.kl_mean is not None and check.kl_mean > DIVERGENCE:
        return f"{check.kl_mean:.2g} nats per token from the trained model"
    if check.suite_high is not None and check.suite_high < 0:
        return f"the suite score is surely lower, by {-check.suite_high:.1%} at least"
    return ""
