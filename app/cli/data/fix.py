"""`temper data fix`: a new version of a dataset with its findings mended, by way of engine.data.fixing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from app.cli.data.report import print_newest, splits, summary
from app.cli.output import json_option, print_json, say
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.data.fixing import Fixed


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@click.option("--drop-duplicates", is_flag=True, help="One row of each group of equal rows stays.")
@click.option(
    "--drop-near-duplicates", is_flag=True, help="One row of each group of nearly equal rows stays."
)
@click.option("--drop-leaks", is_flag=True, help="Train rows that also stand in the held-out split go.")
@click.option("--drop", multiple=True, metavar="CHECK|FINDING", help="All rows of a finding go.")
@click.option("--drop-rows", default="", metavar="ID,...", help="These rows go.")
@click.option(
    "--mask", default="", metavar="pii,secrets", help="Replace private text: <EMAIL_1>. Or one kind."
)
@click.option("--repair-encoding", is_flag=True, help="Read text right that was read in the wrong encoding.")
@click.option(
    "--resolve-conflicts",
    type=click.Choice(["majority", "newest", "labels"]),
    default=None,
    help="Which answer to one input is right: the most frequent, the newest, or what was decided before.",
)
@click.option("--keep", multiple=True, metavar="ID", help="This row stays, and is right in a conflict.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@json_option
def fix(name: str, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Mend dataset NAME as its next version; the version it is made from stays as it is."""
    from engine.data.fixing import fix_dataset

    workspace = open_workspace()
    fixed = fix_dataset(workspace.paths, name, asked_of(**options), dry_run=dry_run, progress=progress)
    if as_json:
        print_json(fixed_json(fixed, dry_run))
        return
    print_fixed(workspace, fixed, dry_run)


def asked_of(
    drop_duplicates: bool,
    drop_near_duplicates: bool,
    drop_leaks: bool,
    drop: tuple[str, ...],
    drop_rows: str,
    mask: str,
    repair_encoding: bool,
    resolve_conflicts: Literal["majority", "newest", "labels"] | None,
    keep: tuple[str, ...],
) -> Any:
    """The options as the engine takes them."""
    from engine.data.fixes.asked import Asked

    return Asked(
        duplicates=drop_duplicates,
        near_duplicates=drop_near_duplicates,
        leaks=drop_leaks,
        drop=list(drop),
        rows=listed(drop_rows),
        mask=listed(mask),
        repair_encoding=repair_encoding,
        conflicts=resolve_conflicts or "",
        keep=[row for rows in keep for row in listed(rows)],
    )


def listed(text: str) -> list[str]:
    """`a,b` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def progress(phase: str, done: int, total: int) -> None:
    """How far the check is that a fix needs, where there is no report yet."""
    if done == 0:
        say(f"Not checked yet: {phase} ...")
    sys.stderr.flush()


def fixed_json(fixed: Fixed, dry_run: bool) -> dict[str, Any]:
    """What `data fix --json` prints."""
    more = {
        "parent": fixed.parent,
        "new": fixed.new,
        "dry_run": dry_run,
        "edits": fixed.edits,
        "left": fixed.left,
        "undecided": fixed.undecided,
        "kept": fixed.kept,
    }
    return summary(fixed.info) | more


def print_fixed(workspace: Workspace, fixed: Fixed, dry_run: bool) -> None:
    """What was done, operation by operation; the new version; what is still to be mended."""
    for edit in fixed.edits:
        detail = f"  ({edit.detail})" if edit.detail else ""
        click.echo(f"{edit.operation:<24} {edit.rows:>7,} rows{detail}")
    if fixed.kept:
        click.echo(f"{'kept as you decided':<24} {len(fixed.kept):>7,} rows")
    if fixed.undecided:
        click.echo(f"{fixed.undecided:,} conflicts nobody could decide: say which row is right with")
        click.echo(f"  temper data fix {fixed.parent} --resolve-conflicts labels --keep ROW")
    info = fixed.info
    identity = f"{info.name}@{info.version}"
    if dry_run:
        click.echo(f"{fixed.parent} would become {info.rows_kept:,} rows, {splits(info)}. Nothing was made.")
    elif identity == fixed.parent:
        click.echo(f"{identity}: there was nothing to mend.")
    else:
        note = "" if fixed.new else "  (nothing new: this version was there already)"
        click.echo(f"{identity}: {info.rows_kept:,} rows, {splits(info)}, made from {fixed.parent}{note}")
    print_left(fixed)
    if not dry_run:
        print_newest(workspace, info)
        if fixed.new:
            say(f"{info.name} alone now means {identity}. temper.toml still says how it is imported.")


def print_left(fixed: Fixed) -> None:
    """What the next check would say, by the last one."""
    if not fixed.left:
        return
    click.echo("Still to be mended, by the last check:")
    for left in fixed.left:
        click.echo(f"  {left.severity:<5} {left.id:<28} {left.count or '':>7}")
