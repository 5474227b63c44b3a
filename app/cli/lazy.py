"""Groups of commands that are imported when they are called: help and completion import none of them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from store.errors import ExitCode

Commands = Mapping[str, tuple[str, str]]
"""name -> (module:attribute, one line of help), in the order of the work."""


class LazyGroup(click.Group):
    """A group whose `lazy` commands are imported on first use; the rest is as in click."""

    def __init__(self, *arguments: Any, lazy: Commands, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.lazy = lazy

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in the order of the work."""
        return list(self.lazy)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command `name`."""
        if name not in self.lazy:
            return None
        module, attribute = self.lazy[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `arguments` begin with; an unknown one ends with the nearest name."""
        name = arguments[0]
        if name not in self.lazy and not name.startswith("-"):
            import difflib  # here and below: what only a mistake needs is not paid for by every start

            close = difflib.get_close_matches(name, self.lazy, n=1)
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
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])
