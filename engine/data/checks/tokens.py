"""Rows in tokens, as the model to train will read them: what `max_length` cuts, and rows with nothing left.

Renders every row as training does, so what is counted is what is trained. Does not say how a row looks
(engine.data.preview).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from engine.data.checks.contract import Basis, CannotRun, Kind
from engine.data.checks.scanning import Hit
from engine.data.checks.settling import finding_of
from store.errors import TemperError, UsageError
from store.records.data import Example
from store.records.findings import CheckSettings, Finding
from store.records.preview import Mask

PERCENTS = (50, 90, 99)
COLUMNS = 20  # of the histogram, at most
NO_LIMIT = 1 << 62

UNTRAINED = Kind(
    "no_trained_token",
    "no_trained_token",
    "block",
    "{count} rows have no token to train on",
    "Raise max_length, or take them out: temper data fix {dataset} --drop no_trained_token",
)
CUT = Kind(
    "truncation",
    "truncation",
    "warn",
    "{count} answers are cut off by max_length",
    "Raise max_length, or take them out: temper data fix {dataset} --drop truncation",
)
COUNTED = Kind("truncation/lengths", "truncation", "info", "Lengths in tokens", "")


def scans(settings: CheckSettings) -> Tokens:
    """The scan. Raises CannotRun without a model that rows can be rendered for."""
    if not settings.model:
        raise CannotRun("no model was named: --model M counts tokens as M does")
    return Tokens(settings)


class Tokens:
    """Counts each row's tokens; the settings' `model` is a path here."""

    kinds: tuple[Kind, ...] = (UNTRAINED, CUT, COUNTED)

    def __init__(self, settings: CheckSettings) -> None:
        from engine.data.rendering import Renderer
        from engine.models.directory import ModelDirectory

        path = Path(settings.model)
        if path.suffix == ".gguf":
            raise CannotRun("a GGUF file cannot be trained: name the directory that it was made from")
        try:
            base = ModelDirectory(path)
            mask = cast(Mask, settings.mask)
            self._renderer = Renderer(base, settings.template, settings.system, mask)
        except UsageError as error:
            raise CannotRun(f"{error.title}: {error.happened}") from error
        self.limit = settings.max_length or base.context_length or NO_LIMIT

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """One row's count, and what the cut costs it."""
        try:
            row = self._renderer.row(example, self.limit)
        except TemperError as error:
            yield UNTRAINED.id, f"cannot be rendered: {error.happened}"
            return
        tokens = len(row.input_ids) + row.cut_tokens
        yield COUNTED.id, f"{tokens} {row.trained} {row.cut_tokens} {row.cut_trained}"
        if problem := getattr(row, "problem", ""):
            yield UNTRAINED.id, problem
        elif not row.trained:
            yield UNTRAINED.id, self._why(tokens, row.cut_trained)
        elif row.cut_trained:
            whole = row.trained + row.cut_trained
            yield CUT.id, f"{tokens:,} tokens; {row.cut_trained:,} of {whole:,} answer tokens are cut"

    def _why(self, tokens: int, cut_trained: int) -> str:
        if cut_trained:
            return f"{tokens:,} tokens: the answer begins behind max_length = {self.limit:,}"
        return "the answer has no token that carries loss"

    def conclude(self, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
        """Both sorts of row, with what is lost in all, and how long rows are."""
        found = [
            finding_of(kind, own, basis)
            for kind in (UNTRAINED, CUT)
            if (own := [hit for hit in hits if hit.kind == kind.id])
        ]
        counted = [[int(number) for number in hit.note.split()] for hit in hits if hit.kind == COUNTED.id]
        if not counted:
            return found
        figures = lengths(counted) | {"max_length": self.limit if self.limit < NO_LIMIT else 0}
        for finding in found:
            finding.figures = {key: figures[key] for key in ("cut_answer_tokens", "max_length")}
        rows_by_length = histogram([row[0] for row in counted])
        return [*found, _lengths_finding(figures | {"rows_by_tokens": rows_by_length})]


def lengths(counted: Sequence[Sequence[int]]) -> dict[str, int]:
    """Figures over rows of (tokens, trained, cut, cut trained): sums, and percentiles by nearest rank."""
    ordered = sorted(row[0] for row in counted)
    figures = {f"p{percent}": ordered[-(-len(ordered) * percent // 100) - 1] for percent in PERCENTS}
    return figures | {
        "longest": ordered[-1],
        "tokens": sum(ordered),
        "answer_tokens": sum(row[1] + row[3] for row in counted),
        "cut_tokens": sum(row[2] for row in counted),
        "cut_answer_tokens": sum(row[3] for row in counted),
    }


def histogram(lengths: Sequence[int]) -> dict[str, int]:
    """How many of `lengths` fall into each of up to COLUMNS ranges of one round width, named `0-49`."""
    widths = (part * 10**power for power in range(12) for part in (1, 2, 5))
    longest = max(lengths)
    width = next(width for width in widths if longest < COLUMNS * width)
    counts = Counter(length // width for length in lengths)
    return {f"{at * width}-{at * width + width - 1}": counts[at] for at in range(max(counts) + 1)}


def _lengths_finding(figures: dict[str, Any]) -> Finding:
    title = f"Half the rows have up to {figures['p50']:,} tokens, 99 of 100 up to {figures['p99']:,}"
    return Finding(
        id=COUNTED.id,
        check=COUNTED.check,
        severity=COUNTED.severity,
        title=f"{title}, the longest {figures['longest']:,}",
        count=0,
        rows=[],
        figures=figures,
    )
