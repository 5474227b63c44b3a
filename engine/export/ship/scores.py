"""The scores that a file gave to its whole vocabulary, kept on disk until the reference is asked.

File and reference are never in memory at once, and the scores of a thousand places of a large vocabulary
would be as large as a model.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from store import atomic

MOST_BYTES = 256_000_000
"""Of scores kept per file: 2,000 places of a vocabulary of 32,000, 420 of one of 152,000."""


class ScoreFile:
    """Rows of float32 scores [vocabulary] in a file without a name, so that a kill leaves nothing behind."""

    def __init__(self, folder: Path, vocabulary: int) -> None:
        self.rows = 0
        self._row_bytes = vocabulary * 4
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by close

    def most_rows(self, texts: int) -> int:
        """How many rows each of `texts` texts may keep."""
        return max(4, MOST_BYTES // self._row_bytes // max(1, texts))

    def add(self, row: npt.NDArray[np.float32]) -> None:
        """Keep one more row. Raises TemperError when the disk is full."""
        try:
            self._file.write(row.tobytes())
        except OSError as error:
            raise atomic.disk_error(error, self._folder) from error
        self.rows += 1

    def read(self, start: int, count: int) -> npt.NDArray[np.float32]:
        """Rows [count, vocabulary] from `start` on."""
        self._file.flush()
        data = os.pread(self._file.fileno(), count * self._row_bytes, start * self._row_bytes)
        return np.frombuffer(data, dtype=np.float32).reshape(count, -1)

    def close(self) -> None:
        """Forget them."""
        self._file.close()
