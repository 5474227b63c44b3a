"""The steps themselves, on the processor with shapes as small as can be: all is done, no figure counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.gpu import record
from scripts.gpu.__main__ import run_one
from scripts.gpu.machine import find_device
from scripts.gpu.plan import Step, chosen

QUICK = ["right.packed", "fast.profile"]
LONG = [
    "right.methods", "right.resume", "right.ship", "safe.ladder", "safe.estimate", "safe.lease",
    "safe.killed", "fast.speed", "fast.against_trl", "fast.levers", "fast.context_trl", "fast.context_logits",
    "fast.context", "fast.dpo", "out.greedy", "out.many",
]  # fmt: skip
SECONDS = 900.0


@pytest.mark.training
@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)])
def test_a_step_runs_to_its_end_on_the_processor(name: str, tmp_path: Path) -> None:
    (step,) = chosen([], [name])
    device = find_device(rehearse=True)
    assert device is not None
    found = run_one(step, device, SECONDS, rehearse=True)
    assert found["rehearsal"]
    assert found["state"] in ("passed", "missed"), found
    record.write(tmp_path, step, found)
    assert record.stands(record.read(tmp_path, step), step, device, rehearse=True)
    assert not record.stands(found, step, device, rehearse=False)


def test_a_step_whose_needs_are_missing_says_so_and_is_not_broken() -> None:
    step = Step("fast", "against_unsloth")
    device = find_device(rehearse=True)
    assert device is not None
    found = run_one(step, device, SECONDS, rehearse=True)
    assert (found["state"], found["reason"]) == ("cannot run", "Unsloth is not installed here")
