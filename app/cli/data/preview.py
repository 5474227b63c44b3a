"""`temper data preview`: rows as they are, or token by token as a model will see them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from app.cli.data.token_text import lines_of, printable
from app.cli.output import json_option, print_json
from app.cli.places import as_model, as_settings_path
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.preview import Mask
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.data.preview import View


@click.command()
@click.argument("reference", metavar="NAME")
@click.option("-n", "count", default=3, type=click.IntRange(min=1), help="How many rows, from the first.")
@click.option("--row", default="", metavar="ID", help="The row with this id, or a beginning of it.")
@click.option("--line", type=click.IntRange(min=1), help="The row of this line of the source.")
@click.option("--model", default="", metavar="M", help="See it as this model does: a name or a path.")
@click.option("--variant", metavar="V", help="With the model, prompt and template that V is served with.")
@click.option(
    "--recipe", default="", metavar="R", help="With all that recipe R says, as it would be trained."
)
@click.option("--prompt", default="", metavar="FILE", help="A prompt file for rows without a system message.")
@click.option("--mask", type=click.Choice(get_args(Mask)), help="What carries loss.")
@click.option("--max-length", default=0, type=click.IntRange(min=0), help="Tokens that are kept of a row.")
@click.option("--rejected", is_flag=True, help="The rejected ending of a preference.")
@click.option("--tokens", "boundaries", is_flag=True, help="Show where each token ends.")
@json_option
def preview(
    reference: str,
    count: int,
    row: str,
    line: int | None,
    model: str,
    variant: str | None,
    recipe: str,
    prompt: str,
    mask: Mask | None,
    max_length: int,
    rejected: bool,
    boundaries: bool,
    as_json: bool,
) -> None:
    """Rows of a dataset (NAME, NAME@VERSION, NAME/heldout, NAME/all), the first ones or one of them.

    With --model, --variant or --recipe: token by token, what carries loss marked, and where it is cut.
    """
    from engine.data.picking import pick_rows

    if row and line:
        raise UsageError("One row or one line", "Both --row and --line were given.", "Leave one of them out.")
    workspace = open_workspace()
    rows = pick_rows(workspace.paths, reference, row=row, line=line or 0, count=count)
    if model or variant or recipe or prompt or mask or max_length or rejected or boundaries:
        view = view_asked(workspace, model, variant, recipe, prompt, mask, max_length)
        show(view, rows, rejected, boundaries, as_json, alone=bool(row or line))
    elif as_json:
        print_json(rows)
    else:
        for example in rows:
            click.echo(as_it_is(example))


def view_asked(
    workspace: Workspace,
    model: str,
    variant: str | None,
    recipe: str,
    prompt: str,
    mask: Mask | None,
    max_length: int,
) -> View:
    """The options as the engine takes them. Raises UsageError or MissingError."""
    from engine.data.preview import view_of
    from engine.training.recipe import find_recipe, load_recipe

    return view_of(
        workspace,
        as_model(workspace, model) if model else "",
        variant=variant,
        prompt=as_settings_path(workspace, prompt) if prompt else "",
        recipe=load_recipe(find_recipe(workspace.root, recipe, Path.cwd())) if recipe else None,
        mask=mask,
        max_length=max_length,
    )


def show(
    view: View, rows: Sequence[Example], rejected: bool, boundaries: bool, as_json: bool, alone: bool
) -> None:
    """Print rows as the model sees them; as JSON one object for a row that was asked for, else a list."""
    from engine.data.preview import Previewer

    previewer = Previewer(view)
    shown = [previewer.preview(example, "rejected" if rejected else "") for example in rows]
    if as_json:
        print_json(shown[0] if alone and len(shown) == 1 else shown)
        return
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for one in shown:
        for text in lines_of(one, colour=colour, boundaries=boundaries):
            click.echo(text)
        click.echo()


def as_it_is(example: Example) -> str:
    """A row as it lies in the dataset."""
    lines = [click.style(f"row {example.row}  line {example.line}  {example.split}", bold=True)]
    if example.text:
        lines.append(_turn("text", example.text))
    lines += [_message(message, message.role) for message in example.messages]
    lines += [_message(message, f"not {message.role}") for message in example.rejected]
    if example.label is not None:
        lines.append(_turn("label", "desirable" if example.label else "undesirable"))
    return "\n".join(lines) + "\n"


def _message(message: Message, who: str) -> str:
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return _turn(who, "\n".join([message.content, *calls] if message.content or not calls else calls))


def _turn(who: str, text: str) -> str:
    return f"  {who + ':':<10} " + printable(text).replace("\n", "\n" + " " * 13)
