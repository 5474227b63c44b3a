"""The two questions before a suite is made: of which rows, under which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App

from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.name import NameDialog
from app.tui.scoreboard import stem_of


def ask_for_suite(app: App[None], sources: list[tuple[str, str]], make: Callable[[str, str], Any]) -> None:
    """Ask, then `make(name, source)`; nothing where one of the questions is left with escape."""

    def chosen(source: str | None) -> None:
        if source:
            said = f"evals/NAME.yaml, of {source}, with checks that fit its answers."
            app.push_screen(NameDialog("Name the suite", said, suggested(source), frozenset()), named(source))

    def named(source: str) -> Callable[[str | None], None]:
        def on_name(name: str | None) -> None:
            if name:
                make(name, source)

        return on_name

    app.push_screen(ChooseDialog("A suite of which rows?", sources, None), chosen)


def suggested(source: str) -> str:
    """`chats` of `chats/heldout`, `chats-train` of `chats/train`, `complaints` of `data/complaints.csv`."""
    return stem_of(source) if "." in source else source.removesuffix("/heldout").replace("/", "-")
