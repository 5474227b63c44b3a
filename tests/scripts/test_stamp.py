"""When a set-up has nothing to do, and when it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from set_up import stamp
from set_up.machine import Backend

CPU, CUDA = Backend("cpu", ""), Backend("cuda", "")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts" / "lib").mkdir(parents=True)
    for name in ("constraints.txt", "pyproject.toml", "scripts/lib/run_setup.py"):
        (tmp_path / name).write_text("one\n")
    return tmp_path


def test_the_same_checkout_has_nothing_to_do(checkout: Path) -> None:
    file = checkout / "stamp"
    stamp.write(file, stamp.make_key(checkout, CPU), False)
    assert stamp.is_current(file, stamp.make_key(checkout, CPU))


@pytest.mark.parametrize("changed", ["constraints.txt", "pyproject.toml", "scripts/lib/run_setup.py"])
def test_a_change_of_pins_needs_or_set_up_itself_is_work(checkout: Path, changed: str) -> None:
    before = stamp.make_key(checkout, CPU)
    (checkout / changed).write_text("two\n")
    assert stamp.make_key(checkout, CPU) != before


def test_another_backend_or_place_is_work(checkout: Path) -> None:
    moved = checkout.rename(checkout.with_name("moved"))
    here = stamp.make_key(moved, CPU)
    assert here != stamp.make_key(moved, CUDA)
    moved.rename(checkout)
    assert here != stamp.make_key(checkout, CPU)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": null}'])
def test_a_damaged_stamp_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stamp").write_text(content)
    assert not stamp.is_current(tmp_path / "stamp", "k")
    assert not stamp.force_cpu("as before", tmp_path / "stamp")


def test_a_set_up_that_did_not_finish_left_no_stamp(tmp_path: Path) -> None:
    assert not stamp.is_current(tmp_path / "stamp", "k")


def test_the_wish_for_the_cpu_is_remembered_until_it_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "stamp"
    assert stamp.force_cpu("cpu", file)
    stamp.write(file, "k", True)
    assert stamp.force_cpu("as before", file)
    assert not stamp.force_cpu("auto", file)
