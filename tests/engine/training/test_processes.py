"""Two real processes on the processor against one that does all passes of a step by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.jobs.ranks import LOOPBACK
from engine.models.adapters import WEIGHTS
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.base import load_base
from engine.training.checkpoints import verify
from engine.training.devices import find_device
from engine.training.processes import Group
from store.errors import TemperError
from tests.bases import Recorder
from tests.engine.training.in_two_processes import RUNS, train
from tests.preferences import asked

pytestmark = pytest.mark.training


TINY = builtin_directory("tiny")
ROUNDINGS = 4 * 2.0**-23
"""Of float32, relative: two processes add in another order, and processors sum in lanes of other widths."""


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all runs, done by two processes."""
    folder = tmp_path_factory.mktemp("together")
    arguments = ["--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    module = ["--local-addr=127.0.0.1", "-m", "tests.engine.training.in_two_processes"]
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *arguments, *module, str(TINY), str(folder)],
        env=os.environ | LOOPBACK | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parents[3],
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def heard(together: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((together / "heard.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_have_the_losses_of_one_with_twice_the_accumulation(
    name: str, heard: dict[str, Any], together: Path, tmp_path: Path
) -> None:
    alone = train(TINY, tmp_path, name, Recorder())
    assert heard[name]["processes"] == 2
    assert len(alone["losses"]) == heard[name]["steps"] == 4
    assert heard[name]["losses"] == pytest.approx(alone["losses"], rel=ROUNDINGS)
    assert heard[name]["heldout"] == pytest.approx(alone["heldout"], rel=ROUNDINGS)
    assert bool(alone["heldout"]) == bool(RUNS[name].get("eval_every"))
    made, other = (folder / "artifacts" / "adapter" for folder in (tmp_path, together / name))
    weights = WEIGHTS if (made / WEIGHTS).exists() else "model.safetensors"
    left, right = load_file(made / weights), load_file(other / weights)
    assert left.keys() == right.keys()
    assert all(torch.allclose(left[key], right[key], atol=1e-4) for key in left)


def test_a_checkpoint_is_whole_and_holds_the_random_states_of_every_process(together: Path) -> None:
    manifest = verify(together / "lora" / "artifacts" / "checkpoints" / "checkpoint-4")
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= manifest.files.keys()
    first, second = (
        torch.load(
            together / "lora" / "artifacts" / "checkpoints" / "checkpoint-4" / f"rng_state_{rank}.pth",
            weights_only=False,  # written by this very test
        )["cpu"]
        for rank in (0, 1)
    )
    assert not torch.equal(first, second)


def test_a_trainer_that_is_alone_where_there_should_be_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemperError, match="have not found each other"):
        train(TINY, tmp_path, "lora", Recorder(), group=Group(0, 2))
    assert not (tmp_path / "artifacts" / "adapter").exists()


def test_four_bits_that_will_be_divided_are_stored_as_numbers_of_the_type_that_is_computed_in(
    micro: Path,
) -> None:
    from bitsandbytes.nn.modules import Linear4bit

    device = find_device().computing("bfloat16")
    model = load_base(ModelDirectory(micro), asked(method="qlora"), device, True)
    stored = {layer.weight.dtype for layer in model.modules() if isinstance(layer, Linear4bit)}
    assert stored == {torch.bfloat16}
