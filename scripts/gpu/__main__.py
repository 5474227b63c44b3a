"""The main of `scripts/gpu_check`: runs the steps of the proof on a GPU and keeps what they find.

A step that has been run to its end by this code on this card is not run again; one that breaks is recorded
with its reason and the next one runs. Exit codes: 0 nothing is broken or failed, 1 something is, 2 usage,
3 no CUDA device.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.gpu import record, tables
from scripts.gpu.carried import put_in_place
from scripts.gpu.machine import find_device, versions, why_none
from scripts.gpu.plan import ROOT, STAGES, Step, all_steps, chosen

NO_GPU = 3
WAITS = 3.0
"""A step may take so many times what it is expected to, and at least two minutes, where time is left."""
TAIL = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and not done yet."""
    parser = parser_of()
    asked = parser.parse_args(arguments)
    folder = asked.results or (record.REHEARSALS if asked.rehearse else record.RESULTS)
    if asked.list:
        print(tables.overview((step, record.read(folder, step)) for step in all_steps()))
        return 0
    try:
        steps = chosen(asked.stage, asked.step)
    except ValueError as error:
        parser.error(str(error))
    device = find_device(asked.rehearse)
    if device is None:
        print(
            f"No CUDA device: {why_none()}. Nothing was run. (--rehearse runs all steps, tiny, on the CPU.)"
        )
        return NO_GPU
    end = time.monotonic() + 60 * asked.minutes
    run_all(steps, folder, device, end, asked)
    records = [(step, record.read(folder, step)) for step in steps]
    print("\n" + tables.overview(records))
    bad = [step.id for step, one in records if one and one["state"] in ("broken", "failed")]
    return 1 if bad else 0


def parser_of() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/gpu_check", description="Prove Temper on a GPU, a step at a time; see docs/gpu.md."
    )
    parser.add_argument("--stage", action="append", default=[], choices=list(STAGES), help="all without one")
    parser.add_argument(
        "--step", action="append", default=[], metavar="NAME", help="this one; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="what there is and what was found, run nothing")
    parser.add_argument("--minutes", type=float, default=9.0, help="start nothing that would end later")
    parser.add_argument("--again", action="store_true", help="also what was run to its end before")
    parser.add_argument("--rehearse", action="store_true", help="all on the CPU, tiny: counts for nothing")
    parser.add_argument("--results", type=Path, help="a folder for the JSON instead of docs/gpu")
    return parser


def run_all(
    steps: Sequence[Step], folder: Path, device: dict[str, Any], end: float, asked: argparse.Namespace
) -> None:
    """Run one after another what does not stand and still fits into the time."""
    for step in steps:
        if not asked.again and record.stands(record.read(folder, step), step, device, asked.rehearse):
            say(f"{step.id}: stands, not run again")
            continue
        left = end - time.monotonic()
        if left < (10 if asked.rehearse else 60 * step.minutes):
            say(f"{step.id}: about {step.minutes:g} minutes, {left / 60:.1f} are left: not begun")
            continue
        say(f"{step.id}: {step.title} (about {step.minutes:g} minutes)")
        most = left if asked.rehearse else min(left, max(120.0, 60 * WAITS * step.minutes))
        found = run_one(step, device, most, asked.rehearse)
        record.write(folder, step, found)
        print(tables.details(step, found) + "\n", flush=True)


def run_one(step: Step, device: dict[str, Any], seconds: float, rehearse: bool) -> dict[str, Any]:
    """The record of a step, run in a process of its own that is ended when its time is up."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="temper-gpu-") as scratch:
        answer, log = Path(scratch, "answer.json"), Path(scratch, "log.txt")
        command = [sys.executable, "-m", "scripts.gpu.one", step.stage, step.name, str(answer)]
        command += ["--rehearse"] if rehearse else []
        code = ended(command, log, seconds)
        said = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        try:
            found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            why = f"was ended after {seconds:.0f} s" if code is None else f"died with exit code {code}"
            found = {"state": "broken", "reason": f"the process {why}"}
    if found["state"] == "broken":
        found["log"] = said.splitlines()[-30:]
        print("\n".join(found["log"]), file=sys.stderr)
    return {
        "step": step.id,
        "state": found["state"],
        "rehearsal": rehearse,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - begin, 1),
        "code": step.code(),
        "command": f"scripts/gpu_check --step {step.id}" + (" --rehearse" if rehearse else ""),
        "device": device,
        "versions": found.pop("versions", versions()),
    } | {name: value for name, value in found.items() if name != "state"}


def ended(command: Sequence[str], log: Path, seconds: float) -> int | None:
    """The exit code of a command; None when it was ended, with all that it started, after `seconds`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path()))}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=file, env=environment, start_new_session=True
        )
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def path() -> list[str]:
    """Where Python finds this repository, and what was brought along or built by an earlier step."""
    return [str(ROOT), *put_in_place(), os.environ.get("PYTHONPATH", "")]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
