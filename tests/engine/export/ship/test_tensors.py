"""Rows of a tensor against those of the model."""

from __future__ import annotations

import numpy as np
import torch

from engine.export.ship.tensors import compare_rows

ROWS = np.eye(4, 8, dtype=np.float32)


def test_a_row_of_zeros_in_both_is_the_same() -> None:
    padded = np.concatenate([ROWS, np.zeros((1, 8), np.float32)])
    assert compare_rows(padded, torch.from_numpy(padded.copy())) == "same"


def test_a_row_that_is_zero_in_the_file_alone_is_another() -> None:
    dropped = ROWS.copy()
    dropped[2] = 0
    assert compare_rows(dropped, torch.from_numpy(ROWS.copy())) == "other"
