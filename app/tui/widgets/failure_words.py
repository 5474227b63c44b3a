"""What is said of failures in groups: whether training may help, one group with examples, the keys."""

from __future__ import annotations

from textual.content import Content

from app.decision_keys import KEYS
from app.tui.texts import visible
from app.tui.widgets.facts import Fact, in_lines, text
from app.tui.widgets.frame import Keyed
from app.tui.words import bar
from app.words import counted
from store.records.triage import FailureGroup, Triage

EXAMPLES = 3
LONGEST = 600  # characters of an example that are shown: the others are to be seen too
BAR = 10
GAP = 2


def head(found: Triage, width: int) -> Content:
    """How many, how many are named, how many are behavioural, and whether they are a case for training."""
    if not found.groups:
        return Content.assemble(("✓ ", "$success"), "Nothing failed.")
    named = bar(found.named / found.top if found.top else 0.0, BAR, "$success")
    behavioural = bar(found.behavioural, BAR, "$primary")
    parts = [
        Content(f"{counted(found.failures, 'failure')} in {counted(len(found.groups), 'group')}"),
        Content.styled(visible(found.source), "$quiet"),
        Content.assemble(("named ", "$quiet"), named, f" {found.named} of {found.top}"),
        Content.assemble(("behavioural ", "$quiet"), behavioural, f" {found.behavioural:.0%}"),
    ]
    if found.ready:
        verdict = Content.assemble(("✓ ", "$success"), "Half or more are behavioural: training may help.")
    else:
        verdict = Content.assemble(("▲ ", "$warning"), f"Not yet a case for training: {found.why_not}.")
    return Content("\n").join([*in_lines(parts, width), verdict])


def about(group: FailureGroup) -> list[Fact]:
    """The guess with its evidence, what to do, a few of the failures."""
    guess = f"{group.guess.category.replace('_', ' ')}: {group.guess.evidence}"
    todo = Content.assemble(group.action, "  ", (group.command, "bold $primary"))
    facts: list[Fact] = [("guess", text(guess)), ("do", todo)]
    if group.note:
        facts.append(("note", text(group.note)))
    seen: dict[str, None] = {}
    for failure in group.members:
        asked = failure.input or failure.comment
        if asked in seen or len(seen) == EXAMPLES:
            continue
        seen[asked] = None
        facts += [("", Content("")), ("asked", text(asked, most=LONGEST))]
        if failure.expected:
            facts.append(("expected", text(failure.expected, most=LONGEST)))
        facts.append(("answered", text(failure.output, most=LONGEST)))
    return facts


def legend(width: int) -> list[Keyed]:
    """Each category with its key, in as few lines as fit `width`; the key again for who clicks on it."""
    lines: list[Keyed] = [[]]
    room = width
    for key, name in KEYS.items():
        part = Content.assemble((key, "bold $accent"), (f" {name.replace('_', ' ')}", "$quiet"))
        if part.cell_length > room and lines[-1]:
            lines.append([])
            room = width
        lines[-1] += [(part, key), (Content(" " * GAP), "")]
        room -= part.cell_length + GAP
    return lines
