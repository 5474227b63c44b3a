"""The entry point of `temper`: finds the command, shows errors, sets the exit code.

Commands are imported when they are called, so that `temper --help` costs little more than click.
"""

from __future__ import annotations

import os
import sys

import click

from app.cli.lazy import LazyGroup
from store.errors import ExitCode

# name -> (module:attribute, one line of help). Help stands here so that listing imports nothing.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("app.cli.init:init", "Make a workspace from a template."),
    "demo": ("app.cli.demo:demo", "The whole loop on the embedded tiny model, offline."),
    "doctor": ("app.cli.doctor:doctor", "What this machine can do, what is missing, what mends it."),
    "models": ("app.cli.models:models", "Base models of the workspace."),
    "data": ("app.cli.data:data", "Import, check, mend and look at datasets."),
    "train": ("app.cli.train.command:train", "Train an adapter from a recipe."),
    "runs": ("app.cli.runs:runs", "List, show, watch and stop runs."),
    "adapters": ("app.cli.adapters:adapters", "Adapters worth keeping."),
    "export": ("app.cli.export:export", "Merge, convert to GGUF, check the file."),
    "variants": ("app.cli.variants:variants", "Named compositions of model, adapter, prompt and knowledge."),
    "kb": ("app.cli.kb:kb", "Knowledge bases: ingest and search."),
    "ask": ("app.cli.ask:ask", "Ask one question."),
    "chat": ("app.cli.ask:chat", "Chat in the terminal."),
    "eval": ("app.cli.eval:evaluate", "Suites: make, run, import, export."),
    "compare": (
        "app.cli.compare:compare",
        "Two variants on the same cases: better, worse, or too few?",
    ),
    "triage": ("app.cli.triage.command:triage", "Name the failures, by category."),
    "advise": ("app.cli.advise:advise", "Prompt, retrieval, tuning, or another base? Measured."),
    "serve": ("app.cli.serve:serve", "An OpenAI-compatible API on this machine."),
    "sql": ("app.cli.sql:sql", "Query all results, read-only."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Temper: find what is broken, fix it the cheapest way, prove it. Without a command: the terminal UI."""
    context.obj = {"debug": debug}
    if context.invoked_subcommand is None:
        from app.tui.app import run

        run()


def main() -> None:
    """Run the command line; every error leaves as title, cause and remedy with its exit code."""
    try:
        from engine import offline

        offline.guard()
        code = cli.main(prog_name="temper", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was written is intact; runs go on: temper runs list", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except Exception as error:
        sys.exit(show_error(error))


def show_error(error: Exception) -> int:
    """Print title, cause and remedy on stderr (a traceback with --debug); the exit code."""
    from engine.jobs.context import failure_of

    if "--debug" in sys.argv or os.environ.get("TEMPER_DEBUG"):
        import traceback

        traceback.print_exception(error)
    shown = failure_of(error)
    if shown is not error:
        shown.remedy = "`temper --debug ...` shows the traceback. Please report it if it happens again."
    title = shown.title if shown.title.endswith(("?", "!", ".")) else f"{shown.title}."
    click.echo(click.style(title, fg="red", bold=True), err=True)
    click.echo(f"  {shown.happened}".replace("\n", "\n  "), err=True)
    click.echo(click.style(f"  {shown.remedy}".replace("\n", "\n  "), fg="yellow"), err=True)
    return int(shown.exit_code)
