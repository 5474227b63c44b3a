"""`temper data`: import, split, list and preview datasets. All logic is in engine.data and store.datasets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import json_option, print_json, print_table, say
from store import datasets
from store.errors import UsageError
from store.records.data import DatasetInfo, ImportOptions
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.data.importing import Imported

SHOWN_DROPS = 10
BAR_BYTES = 5_000_000  # smaller files are read before a bar could be seen


@click.group()
def data() -> None:
    """Import and look at datasets."""


@data.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="The dataset's name.")
@click.option(
    "--shape",
    default="",
    help="chat, sharegpt, alpaca, prompt_completion, seed_tasks. Found out when left out.",
)
@click.option(
    "--map", "mapping", multiple=True, metavar="PART=COLUMN", help="input=COL, answer=COL, system=COL."
)
@click.option("--answer-json", default="", metavar="KEY", help='The answer becomes {"KEY": answer}.')
@click.option(
    "--answer-template", default="", metavar="TEXT", help="The answer becomes TEXT with {answer} filled in."
)
@click.option("--heldout", default=0.0, help="Share of rows set aside, e.g. 0.1; never trained on.")
@click.option("--seed", default=0, help="Fixes which rows are set aside.")
@click.option(
    "--stratify/--no-stratify",
    default=None,
    help="The same share of every answer. Default: where answers repeat.",
)
@click.option("--encoding", default="", help="The file's encoding, where it is not UTF-8.")
@click.option("--strict", is_flag=True, help="Refuse the file instead of dropping a row.")
@json_option
def import_(
    source: Path, name: str, mapping: tuple[str, ...], strict: bool, as_json: bool, **options: Any
) -> None:
    """Import SOURCE (JSONL, JSON, CSV, TSV) as the next version of a dataset."""
    from engine.data.importing import import_dataset

    workspace = open_workspace()
    asked = ImportOptions(map=parse_map(mapping), **options)
    with progress_bar(source, quiet=as_json) as progress:
        imported = import_dataset(workspace.paths, source, name, asked, strict=strict, progress=progress)
    remember(workspace, imported.info)
    if as_json:
        print_json(report(imported))
    else:
        print_report(imported)
        print_newest(workspace, imported.info)


@data.command()
@click.argument("name")
@click.option("--heldout", required=True, type=float, help="Share of rows set aside, e.g. 0.1.")
@click.option("--seed", default=0, help="Fixes which rows are set aside.")
@click.option(
    "--stratify/--no-stratify",
    default=None,
    help="The same share of every answer. Default: where answers repeat.",
)
@json_option
def split(name: str, heldout: float, seed: int, stratify: bool | None, as_json: bool) -> None:
    """Divide the rows of dataset NAME (or NAME@VERSION) anew, as its next version."""
    from engine.data.importing import split_dataset

    workspace = open_workspace()
    imported = split_dataset(workspace.paths, name, heldout, seed, stratify)
    remember(workspace, imported.info)
    if as_json:
        print_json(report(imported))
        return
    print_report(imported)
    print_newest(workspace, imported.info)
    if "heldout" in imported.info.splits:
        say(suite_hint(imported.info.name))


@data.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All versions of all datasets."""
    workspace = open_workspace()
    paths = workspace.paths
    infos = [
        datasets.load_info(paths, name, version)
        for name in datasets.names(paths)
        for version in datasets.versions(paths, name)
    ]
    if as_json:
        print_json([summary(info) for info in infos])
        return
    if not infos:
        say("No datasets yet. Import one with: temper data import FILE --as NAME")
        return
    print_table(
        ("dataset", "rows", "dropped", "splits", "shape", "source"),
        [
            (
                f"{info.name}@{info.version}",
                info.rows_kept,
                len(info.dropped),
                splits(info),
                info.shape,
                info.source,
            )
            for info in infos
        ],
        right=(1, 2),
    )


@data.command()
@click.argument("reference")
@click.option("-n", "count", default=3, type=click.IntRange(min=1), help="How many rows.")
@json_option
def preview(reference: str, count: int, as_json: bool) -> None:
    """The first rows of a dataset (NAME, NAME@VERSION, NAME/heldout, NAME/all)."""
    rows = list(islice(datasets.iterate_rows(open_workspace().paths, reference), count))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(click.style(f"row {row.row}  line {row.line}  {row.split}", bold=True))
        for message in row.messages:
            click.echo(f"  {message.role + ':':<10} " + message.content.replace("\n", "\n" + " " * 13))
        click.echo()


def parse_map(pairs: tuple[str, ...]) -> dict[str, str]:
    """`input=text` pairs as a dict. Raises UsageError for other forms."""
    mapping = {}
    for pair in pairs:
        part, equals, column = pair.partition("=")
        if not equals or not column:
            raise UsageError(
                "--map needs PART=COLUMN",
                f"Got {pair!r}.",
                "For example: --map input=text --map answer=label",
            )
        mapping[part.strip()] = column
    return mapping


@contextmanager
def progress_bar(source: Path, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A callback that moves a bar on stderr while a large file is read."""
    total = source.stat().st_size if source.is_file() else 0
    if quiet or total < BAR_BYTES:
        yield lambda done, total: None
        return
    with click.progressbar(length=total, label=f"Reading {source.name}", file=sys.stderr) as bar:
        yield lambda done, total: bar.update(done - bar.pos)


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
    """The stable fields of a version in `--json`."""
    return {
        "dataset": info.name,
        "version": info.version,
        "kind": info.kind,
        "shape": info.shape,
        "rows_in": info.rows_in,
        "rows_kept": info.rows_kept,
        "dropped": info.dropped,
        "splits": info.splits,
        "source": info.source,
        "sha256": info.sha256,
        "created": info.created,
        "parent": info.parent,
    }


def report(imported: Imported) -> dict[str, Any]:
    """What `data import --json` and `data split --json` print."""
    return summary(imported.info) | {"new": imported.new}


def print_report(imported: Imported) -> None:
    """What was imported, and every reason for a row that is not there."""
    info = imported.info
    note = "" if imported.new else "  (nothing new: this version was there already)"
    click.echo(
        f"{info.name}@{info.version}: {info.rows_kept:,} of {info.rows_in:,} rows kept, {splits(info)}{note}"
    )
    if info.dropped:
        click.echo(f"{len(info.dropped):,} dropped:")
        for drop in info.dropped[:SHOWN_DROPS]:
            click.echo(f"  line {drop.line}: {drop.reason}")
        if len(info.dropped) > SHOWN_DROPS:
            click.echo(f"  and {len(info.dropped) - SHOWN_DROPS:,} more, all listed by --json")


def print_newest(workspace: Workspace, info: DatasetInfo) -> None:
    """Say so when the version is not the one that the bare name means."""
    newest = datasets.versions(workspace.paths, info.name)[-1]
    if newest != info.version:
        say(f"{info.name} alone means version {newest}; write {info.name}@{info.version} for this one.")


def splits(info: DatasetInfo) -> str:
    """`train 360, heldout 40`, and whether every answer gave its share."""
    parts = ", ".join(f"{name} {rows:,}" for name, rows in info.splits.items())
    return parts + (" (stratified)" if info.stratified else "")


def suite_hint(name: str) -> str:
    """How to evaluate on what was held out."""
    return (
        f"To evaluate on the held-out rows, write evals/{name}.yaml:\n"
        f"  name: {name}\n  cases: {{dataset: {name}/heldout}}\n  checks:\n    - kind: exact\n"
        f"then: temper eval {name} --variant base"
    )
