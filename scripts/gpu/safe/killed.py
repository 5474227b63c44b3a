"""Does kill -9 in the middle of a step give back the card's memory and its lease, and can the run go on.

The large model in a run of a workspace; the kernel ends it where it stands.
"""

from __future__ import annotations

import os
import signal

from engine.jobs.queue import device_name
from scripts.gpu import shapes
from scripts.gpu.bench import Bench, Found
from scripts.gpu.commands import Temper
from scripts.gpu.safe import _card
from scripts.gpu.safe.lease import RECIPE, ended, event, waited
from store.leases import DeviceLease

MINUTES = 2.0
SLACK = 256 << 20
"""Bytes by which the driver's own figure may differ from before."""


def run(bench: Bench) -> Found:
    """Start, wait for steps, kill, look, take up again."""
    os.environ["TEMPER_RUNTIME_DIR"] = str(bench.scratch / "runtime")
    found = Found()
    temper = Temper(bench.scratch / "workspace")
    base = str(shapes.random_model("nano" if bench.rehearse else bench.shape))
    before = _card.used()
    changes = ["max_steps=200", "checkpoint_every=2", "max_length=128", "measure_quantisation=false"]
    options = [part for one in changes for part in ("--set", one)]
    run_id = temper.ask("train", RECIPE, "--base", base, *options, "--no-watch")["run_id"]
    saved = waited(lambda: event(temper, run_id, "checkpoint"), 240)
    started = event(temper, run_id, "started")
    assert saved is not None, "the run did not come as far as a checkpoint"
    assert started is not None
    during = _card.used()
    os.kill(started["pid"], signal.SIGKILL)
    free, after = _card.comes_back_to(before, SLACK, 20)
    taken = (
        f"{before / 2**20:,.0f} MiB before, {during / 2**20:,.0f} while it ran, {after / 2**20:,.0f} after"
    )
    found.gate("memory comes back", free and (bench.rehearse or during > before + SLACK), taken)
    lease = DeviceLease(device_name())
    let_go = waited(lambda: None if lease.holder() else True, 10)  # the kernel takes a moment to end it
    found.gate("the lease is free", bool(let_go), "nobody holds it" if let_go else "it is still held")
    shown = temper.ask("runs", "show", run_id)
    found.gate("the run is said to have died", shown["state"] == "died", shown["state"])
    temper.call("runs", "resume", run_id, "--no-watch")
    resumed = waited(lambda: event(temper, run_id, "resumed"), 240)
    found.gate("it goes on", resumed is not None, f"from step {resumed['step'] if resumed else '?'}")
    temper.call("runs", "stop", run_id)
    state = waited(lambda: ended(temper, run_id), 120)
    found.gate("it stops when asked", state == "cancelled", str(state))
    return found
