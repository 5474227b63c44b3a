"""`temper train`: a recipe, checked before anything starts, then a detached job, watched to its end."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, say
from app.cli.train.asking import Asked, command_line, read_recipe, recipe_file
from app.cli.train.dry_run import print_dry_run
from app.cli.train.report import follow
from store import atomic
from store.errors import UsageError
from store.records.recipe import Recipe
from store.workspace import Workspace, open_workspace


@click.command()
@click.argument("recipe", required=False, metavar="[RECIPE]")
@click.option("--base", default="", help="A model of the workspace, a directory, or builtin:tiny.")
@click.option("--dataset", default="", help="A dataset, optionally NAME@VERSION.")
@click.option("--method", default="", metavar="full|lora|qlora", help="All weights, or an adapter.")
@click.option("--objective", default="", metavar="sft|text|dpo|kto|orpo", help="What is learned.")
@click.option("--preset", default="", metavar="NAME", help="A shipped recipe to start from: 8b-qlora.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the recipe.")
@click.option(
    "--launcher", default="", metavar="accelerate", help="With --processes: several do the run together."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    help="One on each GPU. A step keeps the rows that the recipe says: batch_size x gradient_accumulation "
    "are divided over all processes.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="FINDING",
    help="Train although the data check found this: a finding's id or a check. It is remembered.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, print the whole recipe, start nothing.")
@click.option(
    "--sweep", default="", metavar="FILE", help="Many runs: values to try, or a shipped sweep's name."
)
@click.option("--save-recipe", type=click.Path(path_type=Path), help="Write the whole recipe to a new file.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def train(
    recipe: str | None,
    accept: tuple[str, ...],
    dry_run: bool,
    sweep: str,
    save_recipe: Path | None,
    no_watch: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Train an adapter from RECIPE (a file, or a name in recipes/), or from --base and --dataset alone."""
    from engine.models import adapters
    from engine.training import division, preflight
    from engine.training.recipe import write_recipe

    workspace = open_workspace()
    options = Asked(recipe, **asked)
    division.check_launch(options.launcher, options.processes, bool(sweep))
    file = recipe_file(workspace, options)
    resolved = read_recipe(workspace, file, options)
    base = preflight.check(workspace, resolved, accept, options.processes)
    if save_recipe:
        write_new(save_recipe, write_recipe(resolved))
    resolved.init_from = adapters.settled(workspace, resolved.init_from)  # `last` will be the new run itself
    if sweep:
        from app.cli.train import sweep as sweeps

        asked_for = f"{command_line(workspace, file, options)} --sweep {shlex.quote(sweep)}"
        how = sweeps.How(dry_run, no_watch, as_json)
        sweeps.run(workspace, resolved, sweep, list(accept), asked_for, how)
        return
    if not dry_run:
        start(workspace, options, resolved, accept, file, no_watch, as_json)
        return
    from engine.training.dry_run import look_ahead

    found = look_ahead(workspace, base, resolved, accept, options.processes)
    found.command = command_line(workspace, file, options)
    if as_json:
        print_json({"recipe": found.plan.recipe} | msgspec.structs.asdict(found))
    else:
        click.echo(write_recipe(found.plan.recipe), nl=False)
        print_dry_run(found)


def write_new(path: Path, text: str) -> None:
    """Write a file that was not there. Raises UsageError when it was."""
    if path.exists():
        raise UsageError("The file is there already", f"{path} exists.", "Choose another name, or remove it.")
    atomic.write_text(path, text)
    say(f"Recipe written to {path}.")


def start(
    workspace: Workspace,
    options: Asked,
    recipe: Recipe,
    accept: tuple[str, ...],
    file: Path | None,
    no_watch: bool,
    as_json: bool,
) -> None:
    """Start the run; watch it unless told otherwise; print how it ended."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams

    launcher: Literal["", "accelerate"] = "accelerate" if options.launcher else ""
    params = TrainParams(recipe, list(accept), launcher, True, options.processes)
    title = f"{file.stem}: {recipe.base}" if file else f"{recipe.dataset}: {recipe.base}"
    folder = launch.start(workspace, "train", params, title, command_line(workspace, file, options))
    follow(folder, no_watch, as_json)
