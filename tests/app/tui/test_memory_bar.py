"""The memory of a run as a bar: every part in its share, the free memory as its measure, in any width."""

from __future__ import annotations

import pytest

from app.tui.widgets import memory_bar
from store.records.plan import Alternative, Demand, Machine, MemoryEstimate, MemoryPart, TrainingPlan
from store.records.recipe import Recipe

GIB = 1 << 30


def estimate(free: int, *parts: tuple[str, int]) -> MemoryEstimate:
    """An estimate of these parts."""
    listed = [MemoryPart(name, size) for name, size in parts]  # type: ignore[arg-type]  # names as text
    total = sum(size for _, size in parts)
    return MemoryEstimate(listed, total, free, total <= free)


def cells(found: MemoryEstimate, width: int) -> dict[str, int]:
    """How many cells each colour has."""
    counted: dict[str, int] = {}
    drawn = memory_bar.bar(found, width)
    assert drawn.cell_length == width
    for span in drawn.spans:
        counted[str(span.style)] = counted.get(str(span.style), 0) + span.end - span.start
    return counted


def test_each_part_has_its_share_of_what_is_free() -> None:
    found = cells(estimate(10 * GIB, ("weights", 4 * GIB), ("activations", GIB)), 40)
    assert (found["$primary"], found["$state-running"], found["$rule"]) == (16, 4, 20)


def test_what_is_more_than_free_fills_the_bar_and_the_end_of_the_free_memory_is_marked() -> None:
    drawn = memory_bar.bar(estimate(GIB, ("weights", 2 * GIB)), 40)
    assert drawn.plain.index("│") == 20
    assert drawn.plain.count("█") == 39


def test_next_to_nothing_is_still_to_be_seen() -> None:
    assert memory_bar.bar(estimate(100 * GIB, ("weights", 1 << 20)), 40).plain[0] == "▏"


@pytest.mark.parametrize("width", [24, 32, 46, 47, 48, 56, 80])
def test_no_line_is_wider_than_its_place(width: int) -> None:
    found = estimate(
        23_600_000_000, ("weights", 3_000_000), ("CUDA context", 629_000_000), ("loss", 24_000_000_000)
    )
    others = [Alternative({"lora.rank": 8}, "rank 8: less capacity", 20 * GIB, True)]
    plan = TrainingPlan(
        Recipe(), Machine("NVIDIA GeForce RTX 4090", True, 0, 0), Demand(1, 1, 1, 1), found, [], others
    )
    lines = memory_bar.memory(plan, width, notes=True).plain.split("\n")
    assert max(map(len, lines)) <= max(width, 34)


def test_words_say_what_the_colours_do() -> None:
    found = estimate(10 * GIB, ("weights", 4 * GIB), ("loss", GIB))
    plan = TrainingPlan(Recipe(), Machine("cpu", False, 0, 0), Demand(1, 1, 1, 1), found)
    said = memory_bar.memory(plan, 60, notes=False).plain
    for word in ("weights", "4.3 GB", "logits, loss", "1.1 GB", "together", "10.7 GB free", "fits"):
        assert word in said
