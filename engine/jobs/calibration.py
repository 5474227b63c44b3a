"""The importance matrix of an export: measured on the rows that its adapter was trained on, nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.export import quantise
from engine.jobs.context import JobContext
from engine.models.adapters import read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store import datasets
from store.errors import TemperError, UsageError
from store.records.data import Example
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.importance import Importance

ROWS = 400
"""Rows that are rendered, evenly spread: with some fifty tokens each they are all that is read."""


class Calibration:
    """The texts of an export's importance matrix, and the matrix once it was asked for."""

    def __init__(
        self, workspace: Workspace, base: ModelDirectory, parts: Parts, trained_on: Sequence[Path]
    ) -> None:
        self._workspace = workspace
        self._base = base
        self._parts = parts
        self._trained_on = trained_on

    def importance(self, context: JobContext, file: Path, kinds: Sequence[str]) -> Importance | None:
        """Measured on the float GGUF `file`; None where no type of `kinds` uses it. UsageError if no rows."""
        if not quantise.needs_importance(kinds):
            return None
        from engine.export.importance import TOKENS, measure

        texts = self.texts()
        meter = context.progress("measure importance", min(TOKENS, sum(map(len, texts))))

        def advance(done: int) -> None:
            context.check_stop()
            meter.advance(done)

        return measure(file, texts, advance)

    def texts(self) -> list[list[int]]:
        """Rows of the training split as training wrote them, as ids. UsageError where there are none."""
        from engine.data.rendering import Renderer
        from engine.evals.cases import spread
        from engine.models.tokenizer import encode_prompt

        renderer = Renderer(self._base, self._parts.template, self._parts.system)
        found: list[list[int]] = []
        for row in spread(self._rows(), ROWS):
            with suppress(UsageError):  # training left such a row out and said so
                found.append(encode_prompt(renderer.tokenizer, renderer.text(row), renderer.bos))
        return found

    def check(self, kinds: Sequence[str]) -> None:
        """Raise UsageError where one of the types needs rows and there are none."""
        if quantise.needs_importance(kinds):
            self._rows()

    def has_rows(self) -> bool:
        """Whether there is anything to measure on."""
        try:
            return bool(self._rows())
        except UsageError:
            return False

    def _rows(self) -> list[Example]:
        rows: list[Example] = []
        for name in dict.fromkeys(read_passport(adapter).dataset for adapter in self._trained_on):
            try:
                rows += datasets.read_rows(self._workspace.paths, f"{name}/train")
            except TemperError as error:
                raise no_rows(error.happened) from error
        if not rows:
            raise no_rows("A model without an adapter has no rows of its own.")
        return rows


def no_rows(happened: str) -> UsageError:
    """Nothing to measure importance on."""
    return UsageError(
        "IQ types need the rows that the run was trained on",
        happened,
        "They are rounded by an importance matrix measured on them. Choose another type, such as q4_k_m.",
    )
