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
from store.records.data import ImportOptions, SplitBy
from store.workspace import open_workspace

BAR_BYTES = 5_000_000  # smaller files are read before a bar could be seen


SHAPES = (
    "chat (OpenAI messages), sharegpt (conversations), alpaca, prompt_completion, pairs (question and answer"
    " by name), function_calls, seed_tasks, preference (chosen and rejected), unpaired (an answer and its"
    " label), open_webui, chatgpt, anything_llm, tickets (helpdesk: a message per row), traces (Temper's),"
    " text."
)


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="The dataset's name.")
@click.option(
    "--format",
    default="",
    help="jsonl, json, csv, tsv, parquet, arrow, text, markdown. Found out when left out.",
)
@click.option("--shape", default="", help=f"How rows are written; found out when left out. Known: {SHAPES}")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="PART=COLUMN",
    help="input=, answer= (and label=); input=, chosen=, rejected=; text=; ticket=, role=, content=; besides"
    " system=; to be noted with each row: annotator=, version=, time=, group=.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="NAME=ROLE",
    help="What a role name of the source means: system, user, assistant, tool, or ignore (left out).",
)
@click.option("--answer-json", default="", metavar="KEY", help='The answer becomes {"KEY": answer}.')
@click.option(
    "--answer-template", default="", metavar="TEXT", help="The answer becomes TEXT with {answer} filled in."
)
@click.option("--heldout", default=0.0, help="Share of rows set aside, e.g. 0.1; never trained on.")
@click.option(
    "--split-by",
    type=click.Choice(["random", "stratified", "group", "cluster", "time"]),
    default=None,
    help="How rows are set aside: by chance, the same share of every answer, whole groups (--map group=) or"
    " clusters of alike questions, the latest (--map time=). Default: stratified where answers repeat.",
)
@click.option("--seed", default=0, help="Fixes which rows are set aside.")
@click.option(
    "--stratify/--no-stratify",
    default=None,
    help="The same share of every answer. Default: where answers repeat.",
)
@click.option("--encoding", default="", help="The file's encoding, where it is not UTF-8.")
@click.option("--strict", is_flag=True, help="Refuse the source instead of dropping a row.")
@json_option
def import_(
    source: Path,
    name: str,
    mapping: tuple[str, ...],
    roles: tuple[str, ...],
    split_by: SplitBy | None,
    strict: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Import SOURCE as the next version of a dataset.

    SOURCE is a file (JSONL, JSON, CSV, TSV, Parquet, Arrow, text, Markdown) or a folder of them. Rows that
    cannot be trained on are left out and listed, each with its line and the reason.
    """
    from engine.data.importing import import_dataset

    workspace = open_workspace()
    asked = ImportOptions(
        map=parse_pairs("--map", mapping, "--map input=text --map answer=label"),
        roles=parse_pairs("--role", roles, "--role customer=user --role agent=assistant"),
        split_by=split_by or "",
        **options,
    )
    with progress_bar(source, quiet=as_json) as progress:
        imported = import_dataset(workspace.paths, source, name, asked, strict=strict, progress=progress)
    remember(workspace, imported.info)
    if as_json:
        print_json(report(workspace, imported))
    else:
        print_report(imported)
        print_newest(workspace, imported.info)


def parse_pairs(option: str, pairs: tuple[str, ...], example: str) -> dict[str, str]:
    """`input=text` pairs as a dict. Raises UsageError for other forms, and where a name stands twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        # The name of a role may hold an equals sign; of a part and its column, the column may.
        name, equals, value = pair.rpartition("=") if option == "--role" else pair.partition("=")
        if not equals or not name.strip() or not value:
            raise UsageError(f"{option} needs NAME=VALUE", f"Got {pair!r}.", f"For example: {example}")
        if found.setdefault(name.strip(), value) != value:
            raise UsageError(
                f"{option} says two things of {name.strip()!r}",
                f"Got {found[name.strip()]!r} and {value!r}.",
                "Leave one out.",
            )
    return found


@contextmanager
def progress_bar(source: Path, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A callback that moves a bar on stderr while a large file is read."""
    total = source.stat().st_size if source.is_file() else 0
    if quiet or total < BAR_BYTES:
        yield lambda done, total: None
        return
    with click.progressbar(length=total, label=f"Reading {source.name}", file=sys.stderr) as bar:
        yield lambda done, total: bar.update(done - bar.pos)
