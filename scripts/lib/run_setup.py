"""The main of `scripts/setup`: which steps there are, in which order, and when there is nothing to do.

Runs on the standard library alone, before any package is there.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

# scripts/setup starts Python isolated (-I), which leaves the script's own folder off the path
sys.path.insert(0, str(Path(__file__).resolve().parent))

from set_up import embedder, llama, machine, packages, stamp
from set_up.console import Console, SetupError

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Set up the checkout this file lies in; the exit code."""
    choice = parse_arguments()
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        wait_for_turn()
        set_up(choice, started)
    except SetupError as error:
        print(error.text(), file=sys.stderr)
        return error.code
    except OSError as error:
        shown = SetupError("a file could not be written or read", str(error), "Mend that, then run it again.")
        print(shown.text(), file=sys.stderr)
        return shown.code
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is broken: `scripts/setup` goes on from here.", file=sys.stderr)
        return 130
    return 0


def parse_arguments() -> stamp.Choice:
    """Which backend the caller asked for."""
    parser = argparse.ArgumentParser(prog="scripts/setup", description="Make .venv ready. Safe to run again.")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cpu", action="store_true", help="build for the CPU even where there is a GPU (remembered)"
    )
    group.add_argument(
        "--auto", action="store_true", help="forget an earlier --cpu and look at the machine again"
    )
    arguments = parser.parse_args()
    return "cpu" if arguments.cpu else "auto" if arguments.auto else "as before"


def wait_for_turn() -> None:
    """One set-up per checkout: a second one waits for the first and then finds nothing to do.

    The lock is on the folder itself, so that there is no lock file, and goes with the process.
    """
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another set-up of this checkout is running; waiting for it.", file=sys.stderr)
        fcntl.flock(folder, fcntl.LOCK_EX)


def set_up(choice: stamp.Choice, started: float) -> None:
    """Do what is missing, or say in one line that nothing is."""
    venv = packages.Venv(ROOT)
    force_cpu = stamp.force_cpu(choice, venv.stamp)
    backend = machine.choose_backend(force_cpu)
    key = stamp.make_key(ROOT, backend)
    if stamp.is_current(venv.stamp, key) and venv.looks_complete():
        print(f"Set-up: nothing to do ({time.monotonic() - started:.1f} s).", file=sys.stderr)
        return
    machine.check_space(ROOT, backend)
    console = Console(venv.log, steps=6)
    with console.step("machine") as step:
        step.result(backend.why)
    with console.step("virtual environment") as step:
        packages.make_venv(venv, step)
    cache = llama.Cache(backend)
    with console.step("llama.cpp") as step:
        llama.install(venv, cache, backend, step)
    with console.step("packages") as step:
        packages.install(venv, backend, step)
    with console.step("embedder") as step:
        embedder.install(venv, cache, step)
    with console.step("check") as step:
        packages.check(venv, backend, step)
    stamp.write(venv.stamp, key, force_cpu)
    console.close(f"Set-up done in {time.monotonic() - started:.0f} s. Next: scripts/demo")


if __name__ == "__main__":
    sys.exit(main())
