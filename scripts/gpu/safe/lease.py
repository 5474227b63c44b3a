"""Do a training run and a server take turns on the card, and is each told of the other.

By the commands that a user types: a run starts while another one trains and waits for it; a question while a
run trains is refused with its name; an idle server gives the card back to a run that asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from engine.jobs.queue import device_name
from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.commands import Temper, command, environment
from store.leases import DeviceLease

MINUTES = 2.0
RECIPE = "recipes/support.toml"
BUSY = 4


def run(bench: Bench) -> Found:
    """Two runs, then a server beside a run. Leases lie in a folder of this step's own."""
    os.environ["TEMPER_RUNTIME_DIR"] = str(bench.scratch / "runtime")
    found = Found()
    temper = Temper(bench.scratch / "workspace")
    steps = bench.size(600, 40)
    first = start(temper, steps)
    lease = DeviceLease(device_name())
    holder = waited(lambda: lease.holder(), 120)
    named = holder is not None and first in holder.what
    found.gate("a run holds the card", named, f"{lease.device}: {holder.what if holder else 'nobody'}")
    second = start(temper, 30)
    queued = waited(lambda: event(temper, second, "queued"), 60)
    found.gate(
        "a second run waits", queued is not None, f"told of {queued['holder'] if queued else 'nobody'}"
    )
    try:
        need_llama(bench)
    except Exception as error:
        found.figures["server"] = f"not tried: {error}"
        temper.call("runs", "stop", first)
    else:
        asked = subprocess.run(
            command("ask", "Where is my money?", "--variant", "base", "--json"),
            cwd=temper.root, env=environment(), capture_output=True, text=True,
        )  # fmt: skip
        found.gate("a question is refused meanwhile", asked.returncode == BUSY, last(asked.stderr))
        temper.call("runs", "stop", first)
    state = waited(lambda: ended(temper, second), 300)
    found.gate("the second run follows", state == "finished", f"it {state or 'did not end'}")
    if "server" not in found.figures:
        serve(found, temper, lease)
    return found


def serve(found: Found, temper: Temper, lease: DeviceLease) -> None:
    """A question brings up a server, which holds the card while idle until a run asks for it."""
    quiet(lease)
    temper.ask("ask", "Where is my money?", "--variant", "base")
    holder = lease.holder()
    found.gate(
        "the server holds the card", bool(holder and holder.server), holder.what if holder else "nobody"
    )
    third = start(temper, 30)
    state = waited(lambda: ended(temper, third), 300)
    told = event(temper, third, "lease")
    detail = f"the run {state}, having waited {told['waited_seconds'] if told else '?'} s"
    found.gate("an idle server gives way", state == "finished", detail)
    let_go = quiet(lease)
    holder = lease.holder()
    found.gate("nothing is left behind", let_go, holder.what if holder else "the lease is free")


def quiet(lease: DeviceLease, seconds: float = 240) -> bool:
    """Wait until nobody holds the card, nor takes it within three seconds: a run of its own measures what a
    training run has forgotten.
    """
    end, free_since = time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < end:
        if lease.holder() is not None:
            free_since = time.monotonic()
        if time.monotonic() - free_since > 3:
            return True
        time.sleep(0.1)
    return False


def start(temper: Temper, steps: int) -> str:
    """A run of so many steps; its id."""
    told: dict[str, Any] = temper.ask("train", RECIPE, "--set", f"max_steps={steps}", "--no-watch")
    return str(told["run_id"])


def event(temper: Temper, run_id: str, kind: str) -> dict[str, Any] | None:
    """The run's first event of a kind."""
    return next((one for one in events(temper.root, run_id) if one["kind"] == kind), None)


def ended(temper: Temper, run_id: str) -> str | None:
    """How the run ended; None while it has not."""
    last_one = event(temper, run_id, "finished")
    return str(last_one["status"]) if last_one else None


def events(root: Path, run_id: str) -> list[dict[str, Any]]:
    """All whole lines of the run's events."""
    file = root / ".temper" / "runs" / run_id / "events.jsonl"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def waited(look: Any, seconds: float) -> Any:
    """What `look` finds, as soon as it is something; None after so many seconds."""
    end = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(0.2)
    return found


def last(text: str) -> str:
    """The last lines of what a command said, in one."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-3:])
