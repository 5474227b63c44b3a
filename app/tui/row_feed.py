"""The rows of one dataset version for the screen: their names, cells of the table, whole examples, a search.

Everything here reads files: call it in threads. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from engine.data.checks.contract import answer_of, asked_of
from store import datasets
from store.example_pages import ExamplePages, Keys
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example

SHOWN = 400  # characters of a question or an answer that a table could show at most
STEP = 4096  # rows per step of a long loop, so that the screen's thread gets its turn


class Cells(msgspec.Struct, frozen=True):
    """What a table says of one row."""

    asked: str
    answer: str


class RowFeed:
    """The rows of a version, opened. `places` are 0-based positions in the order of the source."""

    def __init__(self, paths: WorkspacePaths, info: DatasetInfo) -> None:
        """Open the version and read the names of its rows. Raises TemperError when it is damaged."""
        folder = datasets.version_folder(paths, info.name, info.version)
        self._pages = ExamplePages(folder / datasets.ROWS)
        self.keys: Keys = self._pages.keys()
        self._places: dict[str, int] = {}
        for start in range(0, len(self.keys.rows), STEP):
            self._places.update(
                (row, start + place) for place, row in enumerate(self.keys.rows[start : start + STEP])
            )

    def __len__(self) -> int:
        return len(self.keys.rows)

    def close(self) -> None:
        """Let go of the file."""
        self._pages.close()

    def places_of(self, rows: Iterable[str]) -> list[int]:
        """Where rows stand, in the order given; ids that this version has not are passed over."""
        return [self._places[row] for row in rows if row in self._places]

    def in_split(self, split: str) -> list[int]:
        """The places of one split."""
        return [place for place, name in enumerate(self.keys.splits) if name == split]

    def cells(self, places: Sequence[int]) -> dict[int, Cells]:
        """What the table shows of these rows."""
        return {
            place: cells_of(example) for place, example in zip(places, self._pages.read(places), strict=True)
        }

    def example(self, place: int) -> Example:
        """One row, whole."""
        return self._pages.read([place])[0]

    def search(self, text: str, stopped: Callable[[], bool]) -> list[int]:
        """The places where `text` occurs, whatever its case."""
        return self._pages.search(text, stopped)


def cells_of(example: Example) -> Cells:
    """The beginnings of what a row asks and answers."""
    answer = answer_of(example) if example.messages else ""
    if example.rejected:
        answer = f"{answer[: SHOWN // 2]}  ≻  {' '.join(turn.content for turn in example.rejected)}"
    if example.label is not None:
        answer = f"{'✓' if example.label else '✗'} {answer}"
    return Cells(asked_of(example)[:SHOWN], answer[:SHOWN])
