"""The entry point of `temper`: finds the command, shows errors, sets the exit code.

Commands are imported when they are called, so that `temper --help` costs little more than click.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from store.errors import ExitCode

# name -> (module:attribute, one line of help). Help stands here so that listing imports nothing.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("app.cli.init:init", "Make a workspace from a template."),
    "demo": ("app.cli.demo:demo", "The whole loop on the embedded tiny model, offline."),
    "doctor": ("app.cli.doctor:doctor", "What this machine can do, what is missing, what mends it."),
    "models": ("app.cli.models:models", "Base models of the workspace."),
    "data": ("app.cli.data:data", "Import and look at datasets."),
    "train": ("app.cli.train:train", "Train an adapter from a recipe."),
    "runs": ("app.cli.runs:runs", "List, show, watch and stop runs."),
    "adapters": ("app.cli.adapters:adapters", "Adapters worth keeping."),
    "export": ("app.cli.export:export", "Merge, convert to GGUF, check the file."),
    "variants": ("app.cli.variants:variants", "Named compositions of model, adapter, prompt and knowledge."),
    "kb": ("app.cli.kb:kb", "Knowledge bases: ingest and search."),
    "ask": ("app.cli.ask:ask", "Ask one question."),
    "chat": ("app.cli.ask:chat", "Chat in the terminal."),
    "eval": ("app.cli.eval:evaluate", "Run a suite against variants."),
    "serve": ("app.cli.serve:serve", "An OpenAI-compatible API on this machine."),
    "sql": ("app.cli.sql:sql", "Query all results, read-only."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in the order of the work."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command `name`."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `arguments` begin with; an unknown one ends with the nearest name."""
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib  # here and below: what only a mistake needs is not paid for by every start

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            context.fail(f"No such command {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(context, arguments)

    def invoke(self, context: click.Context) -> object:
        """Run the command. `temper ... | head` closes stdout early: nothing is wrong then."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            # Python must not try to flush it again on its way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.OK

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List names and help lines without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
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
