"""`temper adapters`: list those that were kept, keep one. All logic is in engine.models.adapters."""

from __future__ import annotations

import click
import msgspec

from app.cli.output import json_option, print_json, print_table, say
from store.workspace import open_workspace


@click.group()
def adapters() -> None:
    """Adapters worth keeping."""


@adapters.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The adapters in adapters/, with what their passports say."""
    from engine.models.adapters import list_kept

    kept = list_kept(open_workspace())
    if as_json:
        print_json([{"name": name} | msgspec.to_builtins(passport) for name, passport in kept])
        return
    if not kept:
        say("No adapters are kept yet. Keep a training run's with: temper adapters keep RUN")
        return
    print_table(
        ("adapter", "base", "dataset", "steps", "run"),
        [(name, one.base, one.dataset, one.steps, one.run_id) for name, one in kept],
        right=(3,),
    )


@adapters.command()
@click.argument("run", default="last")
@click.option("--as", "name", help="Its name in adapters/; the run's id when left out.")
@json_option
def keep(run: str, name: str | None, as_json: bool) -> None:
    """Copy RUN's adapter to adapters/, where deleting .temper/ does not reach it."""
    from engine.models import adapters as core

    workspace = open_workspace()
    folder = core.keep(workspace, run, name)
    if as_json:
        print_json({"name": folder.name, "path": str(folder), "passport": core.read_passport(folder)})
        return
    click.echo(folder.relative_to(workspace.root))
    say(f"Name it in a variant with: temper variants add NAME --adapter {folder.name}")
