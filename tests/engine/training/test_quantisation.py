"""What 4 bits cost a base: measured by loading it twice, remembered, and left undone where it cannot be."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.data.rendering import Row
from engine.export.gguf_cache import fingerprint
from engine.models.directory import ModelDirectory
from engine.training import quantisation
from engine.training.estimate import CUDA_CONTEXT
from engine.training.quantisation import bytes_needed, cost, file_for, known, words
from store.paths import WorkspacePaths
from store.records.plan import Machine
from store.records.recipe import Recipe
from tests.bases import recipe, rows_of

pytestmark = pytest.mark.training

HERE = Machine("cpu", False, 1 << 40, 1 << 40)
ASKED = recipe(double_quantisation=True, precision="float32")


def place(home: Path, base: Path, rows: list[Row], asked: Recipe = ASKED) -> Path:
    paths = WorkspacePaths(home)
    return file_for(paths, fingerprint(paths, ModelDirectory(base)), asked, rows)


def test_four_bits_change_the_loss_that_the_base_has_by_hand(micro: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from engine.training.scoring import score

    rows = rows_of(micro)
    found = cost(ModelDirectory(micro), ASKED, rows, "held-out rows", HERE, place(tmp_path, micro, rows))
    assert found.change is not None
    plain = score(AutoModelForCausalLM.from_pretrained(micro), rows)
    loss = -sum(one.log_prob for one in plain) / sum(one.tokens for one in plain)
    assert found.change.before.loss == pytest.approx(loss, abs=1e-6)
    assert abs(found.change.loss) > 1e-4  # random weights are rounded like any others
    assert (found.reference, found.rows_from) == ("float32", "held-out rows")
    assert "in 4 bits" in words(found)


def test_it_is_measured_once_for_a_base_and_its_rows(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, rows, paths = ModelDirectory(micro), rows_of(micro), WorkspacePaths(tmp_path)
    assert known(paths, base, ASKED, rows) is None
    first = cost(base, ASKED, rows, "held-out rows", HERE, place(tmp_path, micro, rows))
    monkeypatch.setattr(quantisation, "measure", None)  # a second time would fail
    again = cost(base, ASKED, rows, "held-out rows", HERE, place(tmp_path, micro, rows))
    assert msgspec.to_builtins(again) == msgspec.to_builtins(first)
    assert known(paths, base, ASKED, rows) == first
    assert known(paths, base, recipe(method="lora"), rows) is None


def test_other_rows_and_single_scales_are_measured_for_themselves(micro: Path, tmp_path: Path) -> None:
    rows = rows_of(micro)
    single = recipe(double_quantisation=False)
    files = {
        place(tmp_path, micro, rows),
        place(tmp_path, micro, rows[1:]),
        place(tmp_path, micro, rows, single),
    }
    assert len(files) == 3


def test_where_memory_does_not_hold_the_base_nothing_is_loaded_and_it_says_so(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, rows = ModelDirectory(micro), rows_of(micro)
    monkeypatch.setattr(quantisation, "measure", None)
    machine = Machine("small", True, 1 << 40, bytes_needed(base, rows, HERE) // 2)
    found = cost(base, ASKED, rows, "held-out rows", machine, place(tmp_path, micro, rows))
    assert found.change is None
    assert words(found).startswith("not measured: the base in 16 bits needs about")
    assert not place(tmp_path, micro, rows).exists()  # another day there may be room


def test_memory_that_runs_out_all_the_same_is_told_and_not_remembered(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    rows = rows_of(micro)
    monkeypatch.setattr(quantisation, "scores", full)
    found = cost(ModelDirectory(micro), ASKED, rows, "rows", HERE, place(tmp_path, micro, rows))
    assert "memory ran out" in found.problem
    assert not place(tmp_path, micro, rows).exists()


def test_a_damaged_memory_is_measured_anew(micro: Path, tmp_path: Path) -> None:
    rows = rows_of(micro)
    file = place(tmp_path, micro, rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{", encoding="utf-8")
    assert cost(ModelDirectory(micro), ASKED, rows, "rows", HERE, file).change is not None


def test_the_need_grows_with_the_weights_and_the_type_that_they_are_computed_in(micro: Path) -> None:
    base, rows = ModelDirectory(micro), rows_of(micro)
    card = Machine("card", True, 1 << 40, 1 << 40)
    both = bytes_needed(base, rows, HERE), bytes_needed(base, rows, card)
    assert both[0] > 4 * base.parameters
    assert both[1] > 2 * base.parameters + CUDA_CONTEXT
