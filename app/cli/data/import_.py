"""`temper data import`: a file becomes the next version of a dataset, by way of engine.data.importing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.cli.data.report import print_newest, print_report, remember, report
from app.cli.output import json_option, print_json
from store.errors import UsageError
from store.records.data import ImportOptions
from store.workspace import open_workspace

BAR_BYTES = 5_000_000  # smaller files are read before a bar could be seen


@click.command("import")
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
