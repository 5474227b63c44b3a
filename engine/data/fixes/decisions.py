"""What people decided about rows and inputs, kept in labels/: after a re-import it can be applied again.

A row is named by its id, an input by a hash of what it asks: both are the same in every version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from engine.data.checks.contract import asked_of, context_of, normal
from engine.data.examples import ID_LETTERS
from store import labels
from store.paths import WorkspacePaths
from store.records.data import Example
from store.records.labels import Label, LabelKind

KEEP, DROP = "keep", "drop"
RULES = ("majority", "newest")
"""How the note of a decision begins that a rule made."""


class Decisions(msgspec.Struct):
    """What holds for one dataset: rows to keep, rows to drop, and the right answer of an input by its key.

    `chosen` are those of the `answers` that somebody picked; the rest follow from a rule that was picked.
    """

    kept: set[str]
    dropped: set[str]
    answers: dict[str, str]
    chosen: dict[str, str]


def read(paths: WorkspacePaths, dataset: str) -> Decisions:
    """All decisions about rows and inputs of a dataset."""
    rows, inputs = _labels(paths, "finding", dataset), _labels(paths, "conflict", dataset)
    return Decisions(
        kept={row for row, label in rows.items() if label.value == KEEP},
        dropped={row for row, label in rows.items() if label.value == DROP},
        answers={key: label.value for key, label in inputs.items()},
        chosen={key: label.value for key, label in inputs.items() if not label.note.startswith(RULES)},
    )


def record_rows(paths: WorkspacePaths, dataset: str, rows: Iterable[str], value: str) -> None:
    """Keep that people want these rows kept or dropped, unless it is known."""
    _record(paths, "finding", dataset, dict.fromkeys(rows, value), f"{value} this row")


def record_answers(paths: WorkspacePaths, dataset: str, answers: dict[str, str], note: str) -> None:
    """Keep which answer of an input is right, unless it is known. `note` says how it was decided."""
    _record(paths, "conflict", dataset, answers, note)


def input_key(example: Example) -> str:
    """What two rows share that ask the same in the same context, case and white space apart."""
    text = f"{context_of(example)}\0{normal(asked_of(example))}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]


def _labels(paths: WorkspacePaths, kind: LabelKind, dataset: str) -> dict[str, Label]:
    begin = f"{dataset}/"
    return {
        target.removeprefix(begin): label
        for target, label in labels.latest(labels.read(paths, kind)).items()
        if target.startswith(begin)
    }


def _record(paths: WorkspacePaths, kind: LabelKind, dataset: str, values: dict[str, str], note: str) -> None:
    known = _labels(paths, kind, dataset)
    for target, value in values.items():
        if target not in known or known[target].value != value:
            labels.append(paths, Label(kind, f"{dataset}/{target}", value, note=note))
