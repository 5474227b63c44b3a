"""The check of an adapter file: right over its own base, blocked where another adapter is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.adapter_check import check_adapter
from engine.export.adapter_gguf import adapter_to_gguf
from engine.export.material import material_for
from engine.export.ship.check import NO_SUITE, ship_check
from engine.export.tolerances import TOLERANCES
from engine.models.directory import ModelDirectory
from store.errors import UsageError
from tests.bases import EXAMPLES
from tests.engine.conftest import Trained
from tests.engine.export.untrained import adapter_on

pytestmark = pytest.mark.training

PROMPTS = [[40, 50, 60, 70], [300, 301, 302], [5, 6, 7, 8, 9]]


def test_its_own_adapter_ships_and_another_is_blocked(
    trained: Trained, micro_gguf: tuple[Path, list[int]], merged_f32: Path, tmp_path: Path
) -> None:
    base = ModelDirectory(trained.base)
    limits = TOLERANCES["f32"]
    right = adapter_to_gguf(base, Path(trained.adapter), tmp_path / "right.gguf")
    found = check_adapter(micro_gguf[0], right, merged_f32, PROMPTS, limits)
    assert (found.verdict, found.top1_agreement, found.prompts) == ("SHIP", 1.0, len(PROMPTS))
    other = adapter_on(base.path, tmp_path / "other")
    wrong = adapter_to_gguf(base, other, tmp_path / "wrong.gguf")
    found = check_adapter(micro_gguf[0], wrong, merged_f32, PROMPTS, limits)
    assert found.verdict == "BLOCK"
    assert "are those of the merged file" in found.reasons[0]


def test_the_ship_check_reads_an_adapter_over_its_base(
    trained: Trained, micro_gguf: tuple[Path, list[int]], tmp_path: Path
) -> None:
    base, adapter = ModelDirectory(trained.base), Path(trained.adapter)
    material = material_for(base, "", "", EXAMPLES, EXAMPLES)
    right = adapter_to_gguf(base, adapter, tmp_path / "right.gguf")
    wrong = adapter_to_gguf(base, adapter_on(base.path, tmp_path / "other"), tmp_path / "wrong.gguf")
    files = [(right, "f32"), (wrong, "f32")]
    good, bad = ship_check(files, base, adapter, material, over=micro_gguf[0])
    assert (good.verdict, good.reasons) == ("WARN", [NO_SUITE])
    assert (good.token_ids_equal, good.top1_agreement, good.stops) == (1.0, 1.0, True)
    assert bad.verdict == "BLOCK"
    assert "answer tokens are the trained model's, first token" in bad.reasons[0]


def test_without_a_prompt_nothing_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing to check"):
        check_adapter(tmp_path, tmp_path, tmp_path, [], TOLERANCES["f32"])
