"""Failures in groups, the largest first: one key says what a group is, and all of it is labelled."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.decision_keys import KEYS
from app.tui.texts import fit, visible
from app.tui.widgets.cases_pane import field
from app.tui.widgets.long_list import LongList, Parts
from store.records.triage import Category, FailureGroup, Triage

STEPS = "▁▂▃▄▅▆▇█"
CATEGORY = 14
EXAMPLES = 3
WAITING = Content.styled("Grouping …", "$quiet")


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

    @property
    def chosen(self) -> FailureGroup | None:
        """The group under the cursor."""
        return self.groups[self.cursor] if self.cursor < len(self.groups) else None

    def show(self, groups: list[FailureGroup]) -> None:
        """Show these; the cursor stays on the same group, or goes on to the next undecided one."""
        kept = self.chosen.id if self.chosen is not None else ""
        self.groups = groups
        ids = [group.id for group in groups]
        at = ids.index(kept) if kept in ids else 0
        later = [*range(at, len(groups)), *range(at)]
        self.set_count(len(groups), next((one for one in later if not groups[one].named), at))

    def line(self, index: int, width: int) -> Parts:
        """`✓ format        12  41%  ▃▅█  the answer is no JSON`."""
        group = self.groups[index]
        sure = group.named
        trend = sparks([one.count for one in group.trend])
        figures = f"{group.count:>4} {group.share:>4.0%}  "
        room = max(0, width - 2 - CATEGORY - len(figures) - len(trend) - 2)
        return [
            ("✓ " if sure else "? ", "$success" if sure else "$warning"),
            (fit(group.category.replace("_", " "), CATEGORY), "bold" if sure else "$quiet"),
            (figures, "$quiet"),
            (trend + "  ", "$primary"),
            (fit(group.title, room), ""),
        ]

    def action_decide(self, name: str) -> None:
        """The group under the cursor is of this category."""
        if (group := self.chosen) is not None:
            category = next((one for one in KEYS.values() if one == name), None)
            self.post_message(self.Decided(group, category))


class FailuresPane(Vertical):
    """Shows what it is given."""

    def __init__(self) -> None:
        super().__init__(id="failures")

    def compose(self) -> ComposeResult:
        """Whether training may help, the groups, the group under the cursor, the keys."""
        yield Static(id="failures-head")
        yield GroupList()
        with VerticalScroll(id="group-about", can_focus=False):
            yield Static(id="group-text")
        yield Static(legend(), id="group-keys")

    def wait(self) -> None:
        """Failures of another variant are being grouped."""
        self.query_one("#failures-head", Static).update(WAITING)
        self.query_one(GroupList).show([])

    def show(self, found: Triage) -> None:
        """The groups are there."""
        self.query_one("#failures-head", Static).update(head(found))
        self.query_one(GroupList).show(found.groups)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """The group under the cursor."""
        event.stop()
        group = self.query_one(GroupList).chosen
        self.query_one("#group-text", Static).update(about(group) if group is not None else "")
        self.query_one("#group-about", VerticalScroll).scroll_home(animate=False)


def head(found: Triage) -> Content:
    """How many, how many are named, and whether they are a case for training."""
    if not found.groups:
        return Content.styled("Nothing failed.", "$success")
    count = (
        f"{found.failures} failures in {len(found.groups)} groups, {found.named} of the top {found.top} named"
    )
    if found.ready:
        verdict = Content.styled(f"{found.behavioural:.0%} are behavioural: training may help.", "$success")
    else:
        verdict = Content.styled(f"Not yet a case for training: {found.why_not}.", "$warning")
    return Content("\n").join([Content.styled(count, "$quiet"), verdict])


def about(group: FailureGroup) -> Content:
    """The guess with its evidence, what to do, a few of the failures."""
    parts = [
        Content.assemble(
            ("guess     ", "$quiet"), f"{group.guess.category}: ", visible(group.guess.evidence)
        ),
        Content.assemble(("do        ", "$quiet"), group.action, (f"   {group.command}", "bold $primary")),
    ]
    if group.note:
        parts.append(field("note", group.note))
    seen: dict[str, None] = {}
    for failure in group.members:
        asked = failure.input or failure.comment
        if asked in seen or len(seen) == EXAMPLES:
            continue
        seen[asked] = None
        parts += [Content(""), field("asked", asked)]
        if failure.expected:
            parts.append(field("expected", failure.expected))
        parts.append(field("answered", failure.output))
    return Content("\n").join(parts)


def legend() -> Content:
    """Each key with its category."""
    pairs = [
        Content.assemble((key, "$accent"), (f" {name.replace('_', ' ')}", "$quiet"))
        for key, name in KEYS.items()
    ]
    return Content("  ").join(pairs)


def sparks(counts: list[int]) -> str:
    """Counts as bars, oldest first; empty where there is no history."""
    top = max(counts, default=0)
    if len(counts) < 2 or not top:
        return ""
    return "".join(
        STEPS[min(len(STEPS) - 1, count * len(STEPS) // (top + 1))] if count else " " for count in counts
    )
