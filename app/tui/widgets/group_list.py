"""Failures in groups as a list, the largest first: one key says what the group under the cursor is."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from app.decision_keys import KEYS
from app.tui.texts import fit
from app.tui.widgets.long_list import LongList, Parts
from app.tui.widgets.spread import sparks
from store.records.triage import Category, FailureGroup

CATEGORY = 14


class GroupList(LongList, inherit_bindings=False):
    """A line per group. Letters decide here, so that only arrows move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "decide('')", "The guess is right", key_display="⏎"),
        *(
            Binding(key, f"decide('{name}')", name.replace("_", " "), show=False)
            for key, name in KEYS.items()
        ),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "jump(0)", "First", show=False),
        Binding("end", "jump(-1)", "Last", show=False),
    ]

    class Decided(Message):
        """A person said what a group is; None: what it was guessed to be."""

        def __init__(self, group: FailureGroup, category: Category | None) -> None:
            super().__init__()
            self.group = group
            self.category = category

    def __init__(self) -> None:
        super().__init__(id="group-list")
        self.groups: list[FailureGroup] = []
        self._trends = 0  # runs that the longest history goes back to

    @property
    def chosen(self) -> FailureGroup | None:
        """The group under the cursor."""
        return self.groups[self.cursor] if self.cursor < len(self.groups) else None

    def show(self, groups: list[FailureGroup]) -> None:
        """Show these; the cursor stays on the same group, or goes on to the next undecided one."""
        kept = self.chosen.id if self.chosen is not None else ""
        self.groups = groups
        self._trends = max((len(group.trend) for group in groups), default=0)
        ids = [group.id for group in groups]
        at = ids.index(kept) if kept in ids else 0
        later = [*range(at, len(groups)), *range(at)]
        self.set_count(len(groups), next((one for one in later if not groups[one].named), at))

    def line(self, index: int, width: int) -> Parts:
        """`✓ format        12  41%  ▃▅█  the answer is no JSON`."""
        group = self.groups[index]
        sure = group.named
        trend = sparks([one.count for one in group.trend]).rjust(self._trends)
        figures = f"{group.count:>4} {group.share:>4.0%}  "
        trend += "  " if trend else ""
        room = max(0, width - 2 - CATEGORY - len(figures) - len(trend))
        return [
            ("✓ " if sure else "? ", "$success" if sure else "$warning"),
            (fit(group.category.replace("_", " "), CATEGORY), "bold" if sure else "$quiet"),
            (figures, "$quiet"),
            (trend, "$primary"),
            (fit(group.title, room), ""),
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        return self.chosen is not None if action == "decide" else True

    def action_decide(self, name: str) -> None:
        """The group under the cursor is of this category."""
        if (group := self.chosen) is not None:
            category = next((one for one in KEYS.values() if one == name), None)
            self.post_message(self.Decided(group, category))
