"""What `data import`, `split` and `fix` say of the version they made; temper.toml remembers its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import say
from store import datasets
from store.records.data import DatasetInfo
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.data.importing import Imported

SHOWN_DROPS = 10


def remember(workspace: Workspace, info: DatasetInfo) -> None:
    """Write the dataset's source and options to temper.toml, unless they stand there: `.temper/` may go."""
    from engine.data.ensure import options_of

    known = workspace.dataset(info.name)
    if known is not None and (known.source, options_of(known)) == (info.source, info.options):
        return
    values = {"source": info.source, **msgspec.to_builtins(info.options)}
    workspace.amend("datasets", info.name, values)
    say(f"{'Changed' if known else 'Added'} [datasets.{info.name}] in temper.toml.")


def summary(info: DatasetInfo) -> dict[str, Any]:
    """The stable fields of a version in `--json`; of a great many dropped rows the first ones."""
    return {
        "dataset": info.name,
        "version": info.version,
        "kind": info.kind,
        "shape": info.shape,
        "rows_in": info.rows_in,
        "rows_kept": info.rows_kept,
        "dropped": info.dropped,
        "dropped_rows": info.dropped_rows or len(info.dropped),
        "splits": info.splits,
        "source": info.source,
        "sha256": info.sha256,
        "created": info.created,
        "parent": info.parent,
    }


def report(workspace: Workspace, imported: Imported) -> dict[str, Any]:
    """What `data import --json` and `data split --json` print, with every dropped row."""
    more = {
        "dropped": datasets.read_dropped(workspace.paths, imported.info),
        "new": imported.new,
        "notes": imported.notes,
    }
    return summary(imported.info) | more


def print_report(imported: Imported) -> None:
    """What was imported, and every reason for a row that is not there."""
    info = imported.info
    note = "" if imported.new else "  (nothing new: this version was there already)"
    click.echo(
        f"{info.name}@{info.version}: {info.rows_kept:,} of {info.rows_in:,} rows kept, {splits(info)}{note}"
    )
    for sentence in imported.notes:
        click.echo(f"  {sentence}")
    if info.dropped:
        rows = info.dropped_rows or len(info.dropped)
        click.echo(f"{rows:,} dropped:")
        for drop in info.dropped[:SHOWN_DROPS]:
            click.echo(f"  {drop.file + ', ' if drop.file else ''}line {drop.line}: {drop.reason}")
        if rows > SHOWN_DROPS:
            click.echo(f"  and {rows - SHOWN_DROPS:,} more, all listed by --json")


def print_newest(workspace: Workspace, info: DatasetInfo) -> None:
    """Say so when the version is not the one that the bare name means."""
    newest = datasets.versions(workspace.paths, info.name)[-1]
    if newest != info.version:
        say(f"{info.name} alone means version {newest}; write {info.name}@{info.version} for this one.")


def splits(info: DatasetInfo) -> str:
    """`train 360, heldout 40`, and whether every answer gave its share."""
    parts = ", ".join(f"{name} {rows:,}" for name, rows in info.splits.items())
    return parts + (" (stratified)" if info.stratified else "")
