"""`temper eval`: suites made, run, judged again, taken over from other tools and handed to them."""

from __future__ import annotations

import click

from app.cli.lazy import Commands, LazyGroup

COMMANDS: Commands = {
    "run": ("app.cli.eval.run:evaluate", "Run a suite against variants; `temper eval SUITE` for short."),
    "new": ("app.cli.eval.new:new", "A suite with starting checks, from a dataset or a CSV of failures."),
    "add": ("app.cli.eval.add:add", "A failed case of a run becomes a case of a suite."),
    "import": ("app.cli.eval.import_:import_", "A suite of promptfoo, OpenAI Evals or Inspect."),
    "export": ("app.cli.eval.export:export", "A run's results as JUnit XML, CSV, Parquet or an HTML report."),
    "rescore": ("app.cli.eval.run:rescore", "Judge the answers of a run again; nothing is asked."),
}
_HELP = ("-h", "--help")


class SuiteGroup(LazyGroup):
    """A group whose first word is a suite where it is no command: `temper eval SUITE` runs it."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Put `run` before what is no command of the group."""
        if arguments and arguments[0] not in self.lazy and arguments[0] not in _HELP:
            arguments = ["run", *arguments]
        return super().parse_args(context, arguments)


@click.group(cls=SuiteGroup, lazy=COMMANDS, subcommand_metavar="SUITE | COMMAND [ARGS]...")
def evaluate() -> None:
    """Run SUITE (a file, or a name in evals/) against variants: temper eval SUITE --variant V.

    The suite `forgetting` is Temper's own: what a model should still know when it was taught something else.
    A suite whose name is that of a command below is run by its path: temper eval evals/new.yaml.
    """
