"""Which device would train, as the driver's own tool tells it."""

from __future__ import annotations

import pytest

from engine.training import machine
from engine.training.machine import MIB, find_machine


def driver(monkeypatch: pytest.MonkeyPatch, *cells: str, uuids: tuple[str, ...] = ("GPU-1",)) -> None:
    monkeypatch.setattr(machine, "device_name", lambda: "GPU-1")
    monkeypatch.setattr(
        machine, "ask_driver", lambda query: [[uuid, *cells] for uuid in uuids] if cells else []
    )


def test_a_card_is_told_with_its_memory_and_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "Some Card", "24564 MiB", "20000 MiB", "8.9")
    found = find_machine()
    assert (found.name, found.cuda, found.bfloat16) == ("Some Card", True, True)
    assert (found.memory_bytes, found.free_bytes) == (24564 * MIB, 20000 * MIB)


def test_an_older_card_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "Older Card", "11264 MiB", "11000 MiB", "7.5")
    assert not find_machine().bfloat16


def test_a_driver_that_says_nothing_leaves_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch)
    found = find_machine()
    assert (found.name, found.cuda) == ("cpu", False)
    assert 0 < found.free_bytes <= found.memory_bytes


def test_what_the_driver_cannot_tell_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "Odd Card", "[N/A]", "[N/A]", "9.0")
    assert find_machine().free_bytes == 0


def test_the_card_that_is_told_is_the_one_that_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "Some Card", "24564 MiB", "20000 MiB", "8.9", uuids=("GPU-0", "GPU-1"))
    assert find_machine().name == "Some Card"
    driver(monkeypatch, "Some Card", "24564 MiB", "20000 MiB", "8.9", uuids=("GPU-0", "GPU-2"))
    assert find_machine().name == "cpu"
