"""What a ship check found, as the command line prints it: a row per file, and what its figures mean."""

from __future__ import annotations

from collections.abc import Sequence

import click

from app.cli.output import print_table, say
from app.cli.places import shown_path
from app.words import cut, size
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.records.flips import FlippedCase

COLOURS = {"SHIP": "green", "WARN": "yellow", "BLOCK": "red"}
COLUMNS = ("type", "size", "token ids", "answers", "nats", "suite", "check", "file")
RIGHT = (1, 2, 3, 4, 5)
NAMED = 5
"""Flipped cases that are named where nobody asks for all."""
ANSWER_WIDTH = 90


def print_files(files: Sequence[ExportedFile]) -> None:
    """A line per file."""
    print_table(COLUMNS, [row(file) for file in files], right=RIGHT)


def row(file: ExportedFile) -> tuple[str, ...]:
    """A file's figures under COLUMNS; a dash for what was not looked at."""
    check = file.ship_check
    if check is None:
        return file.type, size(file.bytes), "-", "-", "-", "-", "-", shown_path(file.path)
    ids = f"{check.token_ids_equal:.1%}" if check.texts else "-"
    nats = "-" if check.kl_mean is None else f"{check.kl_mean:.2g}"
    suite = "-" if check.suite_score is None else f"{check.suite_score:.1%}"
    answers = f"{check.top1_agreement:.1%}"
    return (
        file.type,
        size(file.bytes),
        ids,
        answers,
        nats,
        suite,
        verdict(check.verdict),
        shown_path(file.path),
    )


def verdict(name: str) -> str:
    """SHIP, WARN or BLOCK in its colour."""
    return click.style(name, fg=COLOURS[name], bold=True)


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


def worst_name(result: ExportResult) -> str:
    """The type of the file whose check is the export's own; it is of the merged weights where of no file."""
    of_files = (file.type for file in result.files if file.ship_check == result.ship_check)
    return next(of_files, "the merged weights")


def suite_words(check: ShipCheck) -> str:
    """The trained model's score, and the interval of the difference."""
    score = f"the trained model has {check.suite_reference:.1%}"
    return f"{score}, the difference is {check.suite_low:+.1%} to {check.suite_high:+.1%} (95%)"


def reasons(files: Sequence[ExportedFile]) -> list[str]:
    """Every reason of every file and the cases that turned, with the file's type."""
    found = []
    for file in files:
        check = file.ship_check
        found += [f"{file.type}: {reason}" for reason in check.reasons] if check else []
        if check and check.flipped:
            found.append(f"{file.type}: {flipped_words(check.flipped)}")
    return found


def flipped_words(flipped: Sequence[FlippedCase], most: int = NAMED) -> str:
    """Which cases a file lost and which it gained, a few by name."""
    parts = []
    for word, cases in (
        ("lost", [one.case for one in flipped if not one.passed]),
        ("gained", [one.case for one in flipped if one.passed]),
    ):
        if cases:
            shown = ", ".join(cases[:most]) + (", ..." if len(cases) > most else "")
            parts.append(f"{len(cases)} {'case' if len(cases) == 1 else 'cases'} {word} ({shown})")
    return " and ".join(parts) + " against the trained model."


def print_flipped(files: Sequence[ExportedFile]) -> None:
    """Both answers to every case that a file decides otherwise."""
    print_answers([(file.type, file.ship_check.flipped) for file in files if file.ship_check])


def print_answers(flipped: Sequence[tuple[str, Sequence[FlippedCase]]]) -> None:
    """Both answers to every flipped case, by type."""
    for kind, cases in flipped:
        for one in cases:
            click.echo(click.style(f"{kind} {one.case}: {'gained' if one.passed else 'lost'}", bold=True))
            click.echo(f"  file           {cut(one.answer, ANSWER_WIDTH)}")
            click.echo(f"  trained model  {cut(one.reference, ANSWER_WIDTH)}")
    if not any(cases for _, cases in flipped):
        say("No case of a suite turned.")


def fallback_words(fallbacks: dict[str, list[str]]) -> str:
    """Which tensors got another type than asked for, a few by name, and why."""
    found = []
    for kind, names in sorted(fallbacks.items()):
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        found.append(f"{len(names)} {'tensor is' if len(names) == 1 else 'tensors are'} {kind} ({shown})")
    return f"{'; '.join(found)}: the type's blocks do not divide their rows."
