"""Going through the groups of failures: each is shown, and one key decides."""

from __future__ import annotations

import sys

import click

from app.cli.demo import shorten
from app.decision_keys import KEYS
from store.errors import UsageError
from store.records.labels import Label
from store.records.triage import FailureGroup, Triage
from store.workspace import Workspace

CONFIRM, SKIP, QUIT, UNDO = ("\r", "\n", "y"), ("n", " "), ("q", "\x1b"), ("u", "\x7f")


def walk(workspace: Workspace, found: Triage, note: str = "") -> int:
    """Show every group that has no name yet and take a key for each; how many were decided.

    What was decided is written at once: stopping loses nothing, and `u` takes the last decision back. Raises
    UsageError without a terminal.
    """
    from engine.jobs import triaging

    if not sys.stdin.isatty():
        raise UsageError(
            "One key each needs a terminal", "There is none here.", "Use --label N=CATEGORY or --confirm N."
        )
    keys = "  ".join(f"{key} {name}" for key, name in KEYS.items())
    click.echo(f"Enter: the guess is right.  n: next.  u: undo.  q: stop.\n{keys}\n", err=True)
    groups = [group for group in found.groups if not group.named]
    before: list[tuple[int, dict[str, Label | None]]] = []
    at = 0
    while at < len(groups):
        group = groups[at]
        show_group(group)
        key = pressed()
        if key in QUIT:
            break
        if key in UNDO:
            if before:
                at, labels = before.pop()
                triaging.restore(workspace, labels)
                click.echo("  <- taken back\n", err=True)
            continue
        if key not in SKIP:
            category = KEYS.get(key)
            before.append((at, triaging.held(workspace, [group])))
            triaging.decide(workspace, [group], category, note)
            click.echo(f"  -> {category or group.category}\n", err=True)
        at += 1
    return len(before)


def pressed() -> str:
    """The next key that means something."""
    while (key := click.getchar()) not in (*KEYS, *CONFIRM, *SKIP, *QUIT, *UNDO):
        pass
    return key


def show_group(group: FailureGroup) -> None:
    """One group: its guess with the evidence, and a few of its failures."""
    from engine.jobs.triaging import examples

    click.echo(click.style(f"{group.number}. {group.title}", bold=True) + f"  ({group.count})", err=True)
    click.echo(f"  {group.category}? {group.guess.evidence}", err=True)
    for one in examples(group):
        click.echo(f"    asked     {shorten(one.comment or one.input)}", err=True)
        if one.expected:
            click.echo(f"    expected  {shorten(one.expected)}", err=True)
        click.echo(f"    answered  {shorten(one.output)}", err=True)
