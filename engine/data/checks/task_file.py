"""The task as written down: `data/TASK.md`, what is in it and what is out. Reads the file, judges no row.

The file is Markdown. A heading that says what is in, and one that says what is out, each over list items or
paragraphs that describe or quote what people ask; other headings are left alone, deeper ones belong to the
one they stand under:

    # Support of the wallet

    ## In
    - recovering a wallet: I lost my phone, I lost my twelve words
    - fees of a transfer

    ## Out
    - investment advice: which coin should I buy?
    - legal and tax questions
"""

from __future__ import annotations

import re

import msgspec

from store.errors import UsageError

FORMAT = (
    "Write what is in and what is out as list items under two headings, for example:\n"
    "  ## In\n  - lost phones and recovery\n  ## Out\n  - investment advice"
)

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?(.*)")
_UNDERLINE = re.compile(r"^(=+|-+)\s*$")
_OUT = re.compile(
    r"\b(?:out|outside|not|never|no|non|exclude[sd]?|excluding|off|refuse[sd]?|don'?t|doesn'?t|isn'?t|beyond)\b",
    re.IGNORECASE,
)
_IN = re.compile(
    r"\b(?:in|inside|within|include[sd]?|including|does|scope|covers?|covered|belongs?|answers?|handles?|yes)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Task(msgspec.Struct):
    """Descriptions and examples of what belongs to the task and of what does not."""

    inside: list[str] = []
    outside: list[str] = []


def read_task(text: str) -> Task:
    """The task that a file describes. Raises UsageError where it does not say what is in the task."""
    task = Task()
    place: list[str] | None = None
    level = 0
    for line in _headed(_COMMENT.sub("", text)):
        if heading := _HEADING.match(line):
            depth, title = len(heading[1]), heading[2]
            if place is None or depth <= level or _side(task, title) is not None:
                place, level = _side(task, title), depth
            continue
        if place is None or not line.strip():
            continue
        if item := _ITEM.match(line):
            place.append(item[1].strip())
        elif line[0].isspace() and place:
            place[-1] += " " + line.strip()  # an item that goes on
        else:
            place.append(line.strip())
    task.inside, task.outside = (list(filter(None, items)) for items in (task.inside, task.outside))
    if not task.inside:
        raise UsageError("The task file does not say what is in the task", "No heading says so.", FORMAT)
    return task


def _side(task: Task, title: str) -> list[str] | None:
    """The list that a heading begins: `Out of scope` and `Not in` are out, `In scope` is in."""
    title = title.replace("\u2019", "'")
    if _OUT.search(title):
        return task.outside
    return task.inside if _IN.search(title) else None


def _headed(text: str) -> list[str]:
    """The lines, with headings that are underlined or all bold written with number signs."""
    lines: list[str] = []
    for line in text.splitlines():
        bold = re.fullmatch(r"\s*(?:\*\*|__)(.+?):?(?:\*\*|__):?\s*", line)
        if _UNDERLINE.match(line) and lines and lines[-1].strip() and not _ITEM.match(lines[-1]):
            lines[-1] = f"{'#' if line[0] == '=' else '##'} {lines[-1].strip()}"
        elif bold:
            lines.append(f"###### {bold[1]}")
        else:
            lines.append(line)
    return lines
