"""Vectors written down as they are computed: what a crash leaves is read, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from store.vector_journal import VectorJournal

DIMENSION = 3


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def vectors(*values: float) -> npt.NDArray[np.float32]:
    return np.array([[value] * DIMENSION for value in values], dtype=np.float32)


def known(path: Path) -> dict[str, float]:
    with VectorJournal(path, DIMENSION) as journal:
        return {name: float(vector[0]) for name, vector in journal.known().items()}


def test_what_was_appended_is_known_to_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal"
    with VectorJournal(path, DIMENSION) as journal:
        assert journal.known() == {}
        journal.append([key("a"), key("b")], vectors(1, 2))
        journal.append([key("c")], vectors(3))
    assert known(path) == {key("a"): 1, key("b"): 2, key("c"): 3}


def test_a_torn_record_is_cut_off_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with VectorJournal(path, DIMENSION) as journal:
        journal.append([key("a"), key("b")], vectors(1, 2))
    path.write_bytes(path.read_bytes()[:-5])
    with VectorJournal(path, DIMENSION) as journal:
        journal.append([key("c")], vectors(3))
    assert known(path) == {key("a"): 1, key("c"): 3}


def test_a_record_that_changed_on_the_disk_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with VectorJournal(path, DIMENSION) as journal:
        journal.append([key("a"), key("b")], vectors(1, 2))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    assert known(path) == {key("a"): 1}
