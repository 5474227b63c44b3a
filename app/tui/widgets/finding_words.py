"""A report's findings as text: the verdict, a line per finding, one finding in full, its rows in order."""

from __future__ import annotations

from textual.content import Content

from app.tui import theme
from app.tui.row_feed import RowFeed
from app.tui.texts import fit, visible
from app.tui.widgets.figures import percent
from app.tui.widgets.row_table import Entry
from app.tui.words import age, bar
from store import clock
from store.records.findings import CheckReport, Finding

_VERDICTS = {"ok": "nothing to mend", "warn": "look before training", "block": "stops training"}
BAR_CELLS = 12
DETAIL_LETTERS = 2000


def verdict(report: CheckReport) -> Content:
    """`▲ warn  look before training   checked 3 m ago with tiny`."""
    shade = theme.severity_colour(report.verdict)
    ago = age(report.created, clock.now())
    when = "just now" if ago == "now" else f"{ago} ago"
    model = f" with {visible(report.settings.model)}" if report.settings.model else ""
    return Content.assemble(
        (f"{theme.severity_mark(report.verdict)} {report.verdict}", f"bold {shade}"),
        (f"  {_VERDICTS[report.verdict]}", shade),
        (f"   checked {when}{model}", "$quiet"),
    )


def line(finding: Finding, rows: int, width: int) -> Content:
    """Severity, title, share of the rows as a bar, count."""
    mark, shade = theme.severity_mark(finding.severity), theme.severity_colour(finding.severity)
    length = BAR_CELLS if width >= 64 else 5
    tail = Content.styled("whole dataset", "$quiet")
    if finding.count:
        share = max(finding.count / max(1, rows), 1 / length)
        counted = f"{finding.count:>{8 if width >= 64 else 6},} {percent(finding.count, rows):>5}"
        tail = bar(share, length, shade) + Content(counted)
    title = fit(finding.title, max(4, width - 3 - tail.cell_length))
    return Content.assemble((mark + " ", shade), title, " ", tail)


def in_full(finding: Finding, width: int) -> Content:
    """Title, what it means, the step that mends it."""
    shade = theme.severity_colour(finding.severity)
    parts = [
        Content.assemble(
            (f"{theme.severity_mark(finding.severity)} {visible(finding.title)}", f"bold {shade}"),
            (f"   {finding.id}", "$faint"),
        )
    ]
    if finding.detail:
        parts.append(Content.styled(visible(finding.detail[:DETAIL_LETTERS]), "$quiet"))
    if finding.remedy:
        parts.append(Content.assemble(("→ ", "$accent"), (visible(finding.remedy), "$primary")))
    return Content("\n").join(parts)


def skipped(report: CheckReport) -> Content:
    """Which checks did not run, and why."""
    width = max((len(one.check) for one in report.skipped), default=0) + 2
    heading = Content.styled("Checks that did not run: nothing is known of what they look for", "bold")
    lines = [
        Content.assemble((one.check.replace("_", " ").ljust(width), ""), (visible(one.reason), "$quiet"))
        for one in report.skipped
    ]
    return Content("\n").join([heading, *lines])


def entries(finding: Finding, feed: RowFeed) -> list[Entry]:
    """The rows of a finding: group by group under what ties them together, then those in no group."""
    listed: list[Entry] = []
    grouped: set[int] = set()
    for number, group in enumerate(finding.groups, 1):
        places = feed.places_of(group.rows)
        if not places:
            continue
        parts = [group.note or f"group {number}"]
        parts += [f"{group.score:.2f}"] if group.score is not None else []
        parts += [f"{len(places):,} rows"] if len(places) > 1 else []
        listed.append(" · ".join(parts))
        listed += places
        grouped.update(places)
    alone = [place for place in feed.places_of(ref.row for ref in finding.rows) if place not in grouped]
    if alone and listed:
        listed.append("by themselves")
    return listed + alone


def matching(finding: Finding, feed: RowFeed) -> list[int]:
    """The places of a finding's rows, in the order of the source."""
    rows = [ref.row for ref in finding.rows] or [row for group in finding.groups for row in group.rows]
    return sorted(set(feed.places_of(rows)))
