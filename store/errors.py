"""The one tree of errors a user can meet, and the exit codes of the command line.

Every error has a title, what happened and what to do. Screens turn one into a dialog, the command
line into three lines on stderr; neither knows which part of the product raised it.

    TemperError            1  something failed
      UsageError           2  the command or a settings file is wrong
      MissingError         3  hardware, a model or a file is not there
      BusyError            4  somebody else holds what is needed
      RefusedError         5  a gate, a data check or a ship check said no
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; stable, so that scripts may rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    MISSING = 3
    BUSY = 4
    REFUSED = 5
    INTERRUPTED = 130


class TemperError(Exception):
    """An error a user is shown: a title, what happened, and what to do about it."""

    exit_code = ExitCode.FAILED

    def __init__(self, title: str, happened: str, remedy: str) -> None:
        super().__init__(f"{title}: {happened}")
        self.title = title
        self.happened = happened
        self.remedy = remedy


class UsageError(TemperError):
    """The command line, a recipe, a suite or temper.toml asks for something impossible."""

    exit_code = ExitCode.USAGE


class MissingError(TemperError):
    """A model, a file, a package or hardware that the work needs is not there."""

    exit_code = ExitCode.MISSING


class BusyError(TemperError):
    """The GPU, the results or a knowledge base is held by another process."""

    exit_code = ExitCode.BUSY


class RefusedError(TemperError):
    """A gate, a data check or a ship check looked and said no."""

    exit_code = ExitCode.REFUSED
