"""`temper init`: a workspace from a template. All logic is in engine.workspaces."""

from __future__ import annotations

import os
from pathlib import Path

import click

from app.cli.output import json_option, print_json, say
from store.workspace import Workspace


@click.command()
@click.argument("directory", default=".", type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--template", default="blank", show_default=True, help="support, contracts, research or blank.")
@json_option
def init(directory: Path, template: str, as_json: bool) -> None:
    """Make DIR (this folder when left out) a workspace."""
    from engine.workspaces import create

    workspace = create(directory, template)
    if as_json:
        print_json({"workspace": str(workspace.root), "name": workspace.name, "template": template})
        return
    click.echo(workspace.root)
    say(f"{workspace.name} is ready. Next:\n" + "\n".join(f"  {line}" for line in next_commands(workspace)))


def next_commands(workspace: Workspace) -> list[str]:
    """What can be typed now, in the order of the work."""
    root = workspace.root
    lines = [] if root == Path.cwd() else [f"cd {os.path.relpath(root)}"]
    recipes = sorted(path.relative_to(root) for path in root.glob("recipes/*.toml"))
    suites = sorted(path.relative_to(root) for path in root.glob("evals/*.yaml"))
    if not recipes:
        lines.append("temper models add NAME PATH")
        lines.append("temper data import FILE --as NAME")
    config = workspace.config
    # what every change has to beat comes first, and is called so in every template that trains
    if suites and (variant := "base" if "base" in config.variants else config.defaults.variant):
        lines.append(f"temper eval {suites[0]} --variant {variant}")
    if recipes:
        lines.append(f"temper train {recipes[0]}")
    return [*lines, "temper"]
