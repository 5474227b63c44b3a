"""What is said of a search: how many passages, one passage's scores, what each stage kept and dropped."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from app.tui.texts import fit, visible
from app.tui.words import bar
from store.records.knowledge import Hit, SearchResult, SearchStage

NAMED = 3
"""Dropped passages of a stage that are named."""
NAME = 10
FUNNEL = 10


def said(result: SearchResult) -> Content:
    """How many passages, of which generation, in what time."""
    if not result.hits:
        return Content.styled("Nothing found.", "$warning")
    return Content.styled(
        f"{len(result.hits)} passages of generation {result.generation} in {result.seconds * 1000:.0f} ms",
        "$quiet",
    )


def about(hit: Hit) -> Content:
    """`meaning .713   words 12.4   2024-03-01`, and why it may be out of date."""
    parts = [
        Content.assemble((f"{name} ", "$quiet"), (f"{score:.3f}", "$primary"))
        for name, score in hit.scores.items()
    ]
    if hit.date:
        parts.append(Content.styled(hit.date, "$quiet"))
    if hit.stale:
        parts.append(Content.styled(f"▲ {hit.stale}", "$warning"))
    return Content("   ").join(parts)


def stage_lines(stages: Sequence[SearchStage], width: int) -> Content:
    """A funnel: what each stage kept of what went into the first; its time; the first passages it dropped."""
    if not stages:
        return Content("")
    most = max(stage.given for stage in stages) or 1
    lines = [Content.styled("how they were found", "$quiet")]
    cells = len(f"{most:,}")
    for stage in stages:
        figures = f" {stage.kept:>{cells},} of {stage.given:<{cells},}{stage.milliseconds:>7.1f} ms  "
        room = width - NAME - FUNNEL - len(figures)
        lines.append(
            Content.assemble(
                (fit(stage.name, NAME), "bold"),
                bar(stage.kept / most, FUNNEL, "$primary"),
                figures,
                (fit(stage.note, max(0, room)).rstrip(), "$quiet"),
            )
        )
        lines += [
            Content.assemble(
                ("  ✗ ", "$error"), visible(one.doc), (f" {one.start}: {visible(one.why)}", "$quiet")
            )
            for one in stage.dropped[:NAMED]
        ]
    return Content("\n").join(lines)


def visible_lines(text: str) -> Content:
    """A passage's text, line by line."""
    return Content("\n".join(visible(line) for line in text.splitlines()))
