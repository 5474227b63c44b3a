"""Runs in words and colours, and how a command finds the run it was given. Prints nothing."""

from __future__ import annotations

from typing import Any

import click

from app.words import span
from store import clock
from store import runs as folders
from store.records.runs import RunView, State
from store.runs import RunFolder
from store.workspace import open_workspace

COLOURS: dict[State, str] = {
    "starting": "yellow",
    "waiting": "yellow",
    "running": "cyan",
    "finished": "green",
    "failed": "red",
    "cancelled": "bright_black",
    "died": "red",
}


def find(reference: str) -> RunFolder:
    """The folder of the run that the user names."""
    return folders.find(open_workspace().paths.runs, reference)


def summary(view: RunView) -> dict[str, Any]:
    """The stable fields of a run in `--json`. To a program, a run that starts is one that waits."""
    return {
        "run_id": view.run_id,
        "kind": view.kind,
        "state": "waiting" if view.state == "starting" else view.state,
        "title": view.title,
        "created": view.created,
        "started": view.started,
        "ended": view.ended,
        "error": view.error,
    }


def was(state: State) -> str:
    """`finished`, `failed`, `died`, `was stopped`."""
    return "was stopped" if state == "cancelled" else state


def coloured(state: State) -> str:
    """A state in its colour; the word alone must do where there is none."""
    return click.style(state, fg=COLOURS[state])


def local(moment: str | None) -> str:
    """A time as the user's clock shows it."""
    return f"{clock.parse(moment).astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def took(view: RunView) -> str:
    """How long a run has taken so far, or took."""
    if view.started is None:
        return ""
    end = clock.parse(view.ended) if view.ended else clock.now()
    return span((end - clock.parse(view.started)).total_seconds())
