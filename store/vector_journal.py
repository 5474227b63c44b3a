"""Vectors written down as they are computed, so that a killed ingest loses at most its last batch.

A file of records of one length: what was embedded (sha256), a checksum, the vector. A torn record at the end
is cut off, one that does not fit its checksum is left out. Knows nothing of chunks or models.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store import atomic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class VectorJournal:
    """The file `path` for vectors of `dimension` numbers, opened to append. One writer. Close it."""

    def __init__(self, path: Path, dimension: int) -> None:
        import numpy as np

        self.path = path
        self._record = np.dtype([("sha256", "V32"), ("crc", "<u4"), ("vector", "<f4", (dimension,))])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what a full disk refused must not be tried again when the file is closed.
            self._file = path.open("ab", buffering=0)
            whole = self._file.tell() // self._record.itemsize * self._record.itemsize
            self._file.truncate(whole)
            self._file.seek(whole)
        except OSError as error:
            raise atomic.disk_error(error, path) from error

    def known(self) -> dict[str, npt.NDArray[np.float32]]:
        """The vectors in it, by the hash of what was embedded."""
        import numpy as np

        records = np.fromfile(self.path, dtype=self._record)
        return {
            record["sha256"].tobytes().hex(): record["vector"]
            for record in records
            if _checksum(record) == record["crc"]
        }

    def append(self, hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Add `vectors` [len(hashes), dimension]. They outlive the process when this returns.

        Raises TemperError when the disk is full; what was written before stays.
        """
        import numpy as np

        records = np.zeros(len(hashes), dtype=self._record)
        records["sha256"] = [np.void(bytes.fromhex(one)) for one in hashes]
        records["vector"] = vectors
        records["crc"] = [_checksum(record) for record in records]
        try:
            left = memoryview(records.tobytes())
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise atomic.disk_error(error, self.path) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> VectorJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checksum(record: Any) -> int:
    return zlib.crc32(record["vector"].tobytes(), zlib.crc32(record["sha256"].tobytes()))
