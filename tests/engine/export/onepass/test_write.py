"""Blocks are merged and quantised by several threads, in any order: each row ends where it was planned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.export import tensor_file
from engine.export.merge_plan import MergedModel
from engine.export.onepass import ggml
from engine.export.onepass.layout import F32, Slot, read_layout
from engine.export.onepass.plan import FloatPlan, Part, laid_out
from engine.export.onepass.write import write_file
from engine.models.directory import ModelDirectory
from tests.engine.export.untrained import llama, weights_of

Q8_0, Q4_0 = 8, 2
UP, DOWN = "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize("threads", [1, 3])
def test_shuffled_and_joined_rows_are_those_of_the_whole_matrices(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "BLOCK_BYTES", 4 * 32 * 16)  # five blocks of 16 rows
    base = llama(tmp_path / "base")
    order = np.random.default_rng(0).permutation(160)
    parts = {name: [Part("joined", order[at : at + 80])] for name, at in ((UP, 0), (DOWN, 80))}
    slots = {"joined": Slot("joined", F32, (32, 160), 0), "norm": Slot("norm", F32, (3,), 0)}
    plan = FloatPlan({}, slots, {"norm": b"twelve bytes"}, parts)
    heard: list[int] = []
    with MergedModel(ModelDirectory(base), None) as model:
        layout = laid_out({}, plan, {"joined": Q8_0, "norm": F32})
        out = write_file(model, plan, layout, tmp_path / "out.gguf", heard.append, threads)
    weights = weights_of(base)
    joined = torch.empty(160, 32)
    joined[torch.from_numpy(order)] = torch.cat([weights[UP], weights[DOWN]])
    found = read_layout(out)
    data = out.read_bytes()[found.data :]
    assert data[: 160 * 34] == ggml.encoded(joined, Q8_0).tobytes()
    assert data[found.slots[1].begin :][:12] == b"twelve bytes"
    assert heard[-1] <= out.stat().st_size


@pytest.mark.parametrize("kind", [Q4_0, Q8_0])
def test_blocks_of_rows_have_the_bytes_of_the_whole(kind: int) -> None:
    rows = torch.randn(50, 64).to(torch.bfloat16)
    whole = ggml.encoded(rows, kind)
    parts = [ggml.encoded(rows[at : at + 16], kind) for at in range(0, 50, 16)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert whole.shape == (50, ggml.row_bytes(kind, 64))


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no finite number"):
        ggml.encoded(torch.full((16, 32), math.nan), Q8_0)
