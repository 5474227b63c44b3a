"""What a ship check found, as the command line prints it: a row per file, and what its figures mean."""

from __future__ import annotations

from collections.abc import Sequence

import click

from app.words import size
from store.records.exports import ExportedFile, ShipCheck

COLOURS = {"SHIP": "green", "WARN": "yellow", "BLOCK": "red"}
COLUMNS = ("type", "size", "token ids", "answers", "nats", "suite", "check", "file")
RIGHT = (1, 2, 3, 4, 5)


def row(file: ExportedFile) -> tuple[str, ...]:
    """A file's figures under COLUMNS."""
    check = file.ship_check
    assert check is not None  # every GGUF has one
    verdict = click.style(check.verdict, fg=COLOURS[check.verdict], bold=True)
    ids, answers = f"{check.token_ids_equal:.1%}", f"{check.top1_agreement:.1%}"
    nats = "-" if check.kl_mean is None else f"{check.kl_mean:.2g}"
    suite = "-" if check.suite_score is None else f"{check.suite_score:.1%}"
    return file.type, size(file.bytes), ids, answers, nats, suite, verdict, file.path


def meaning(check: ShipCheck) -> list[str]:
    """What the columns mean, with the figures that are not in them."""
    lines = [
        f"Answers: share of {check.tokens:,} tokens that {check.reference} would have chosen too, "
        "in Transformers."
    ]
    if check.kl_mean is not None and check.kl_p99 is not None:
        lines.append(
            f"Nats: mean divergence per token from the same, over {check.positions:,} tokens "
            f"(99th percentile {check.kl_p99:.2g})."
        )
    if check.suite_reference is not None:
        lines.append(f"Suite: {check.suite}, {check.suite_cases} cases; {suite_words(check)}.")
    if check.trained_kl is not None and check.trained_top1 is not None:
        lines.append(
            f"Against {check.trained_reference}, as it was trained: {check.trained_top1:.1%} of the tokens, "
            f"{check.trained_kl:.2g} nats."
        )
    return lines


def suite_words(check: ShipCheck) -> str:
    """The trained model's score, and the interval of the difference."""
    score = f"the trained model has {check.suite_reference:.1%}"
    return f"{score}, the difference is {check.suite_low:+.1%} to {check.suite_high:+.1%} (95%)"


def reasons(files: Sequence[ExportedFile]) -> list[str]:
    """Every reason of every file, with the file's type."""
    return [
        f"{file.type}: {reason}" for file in files if file.ship_check for reason in file.ship_check.reasons
    ]
