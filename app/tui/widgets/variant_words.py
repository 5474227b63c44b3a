"""What the evals screen says of one variant: each check and slice with its interval, cost, history, run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from app.tui.messages import RunNow
from app.tui.scoreboard import By, Cell, Scored, Sheet, cell, columns, overall
from app.tui.texts import fit, visible
from app.tui.widgets import run_words
from app.tui.widgets.spread import between, share, sparks
from app.tui.words import age
from app.words import counted
from store import clock

LABEL = (12, 26)  # least and most cells of a check's or slice's name
SHARE = 7
FIGURES = 28  # of the share, its interval and the number of answers
LEAST = 10  # cells of a bar
RUNS = 12  # so many scores are drawn


def about(row: Scored, width: int) -> Content:
    """A bar for all answers and for each check and slice; what an answer took; how it went over its runs."""
    score = row.score
    lines: list[tuple[str, Cell]] = [("all", overall(score))]
    headed: dict[int, str] = {}
    by: By
    for by in ("checks", "slices"):
        found = [(name, one) for name in columns([row], by) if (one := cell(score, by, name)) is not None]
        if found:
            headed[len(lines)] = by
            lines += found
    longest = max(cell_len(name) for name, _ in lines) + 3
    label = max(LABEL[0], min(LABEL[1], longest, width - LEAST - SHARE))
    figures = FIGURES if width - label - FIGURES >= LEAST else SHARE
    room = max(LEAST, min(60, width - label - figures))
    parts = [_head(row), Content("")]
    for at, (name, one) in enumerate(lines):
        if at in headed:
            parts.append(Content.styled(headed[at], "$quiet"))
        line = _bar(name, one, label, room, "" if at == 0 else "  ")
        parts.append(line if figures == SHARE else line + _sure(one))
    return Content("\n").join([*parts, Content(""), *_below(row)])


def _head(row: Scored) -> Content:
    score = row.score
    told = counted(score.n, "answer") + (f" to {counted(score.cases, 'case')}" if score.cases else "")
    return Content.assemble((visible(score.name), "bold"), (f"   {told}", "$quiet"))


def _bar(name: str, one: Cell, label: int, room: int, indent: str) -> Content:
    return Content.assemble(
        indent,
        fit(name, label - len(indent)),
        *share(one.value, one.span, room, "$primary"),
        (f"{one.value:>7.1%}", "bold"),
    )


def _sure(one: Cell) -> Content:
    """How sure a share is, where there is room to say it."""
    count = f"  n {one.n:,}" if one.n else ""
    return Content.styled(f" {between(one.span):<7}{count}", "$quiet")


def _below(row: Scored) -> list[Content]:
    score, lines = row.score, []
    facts = []
    if score.cost is not None:
        facts.append(f"{score.cost.latency_ms:,.0f} ms, {score.cost.completion_tokens:.0f} tokens an answer")
    if score.fragility is not None:
        facts.append(f"{score.fragility:.0%} of the questions pass in some wordings only")
    if facts:
        lines.append(Content.styled(" · ".join(facts), "$quiet"))
    if score.judges_itself:
        lines.append(
            Content.assemble(("▲ ", "$warning"), f"{visible(score.judge)} judges itself: it may be kind")
        )
    if score.errors:
        lines.append(Content.assemble(("? ", "$warning"), f"{score.errors:,} answers could not be judged"))
    lines.append(_history(row))
    return lines


def _history(row: Scored) -> Content:
    ago = age(row.created, clock.now())
    when = "just now" if ago == "now" else f"{ago} ago"
    told = Content.styled(f"{row.run_id}, {when}", "$quiet")
    kept = row.history[-RUNS:]
    if len(kept) < 2:
        return told
    trend = Content.assemble(
        (sparks(kept, 1.0), "$primary"), (f" {kept[0]:.0%} to {kept[-1]:.0%} over {len(kept)} runs   ", "")
    )
    return trend + told


def about_run(run: RunNow, width: int) -> Content:
    """An evaluation under way, why it failed, or how one that was stopped goes on."""
    if run.view.state == "cancelled":
        told = run.progress
        far = f" after {told.done:,} of {told.total:,}" if told is not None and told.total else ""
        return Content.assemble(
            (f"■ {visible(run.view.title)} was stopped{far}. ", "$warning"),
            ("g", "bold $accent"),
            (f" goes on where it was, as does {run.view.way_on}", "$quiet"),
        )
    problem = run_words.problem(run.view)
    return problem if problem is not None else run_words.head(run, width)


def unmeasured(sheet: Sheet, variant: str) -> Content:
    """In place of cases and comparisons: why there are none, and which keys make some."""
    if not variant or not sheet.path:
        return never_run(sheet, [variant] if variant else [])
    return Content.assemble(
        (f"{visible(variant)} was not measured on this suite\n", "bold"),
        ("Press ", "$quiet"),
        ("m", "bold $accent"),
        (" and then ", "$quiet"),
        ("e", "bold $accent"),
        (" to evaluate it.", "$quiet"),
    )


def never_run(sheet: Sheet, variants: Sequence[str]) -> Content:
    """What to do with a suite, or a variant, that has no results."""
    if not variants:
        return Content.assemble(
            ("There are no variants yet\n", "bold"),
            ("Name one in temper.toml: what is evaluated, asked and served\n\n", "$quiet"),
            ("temper variants add NAME --model MODEL", "bold $primary"),
        )
    if not sheet.path:
        return Content.styled(f"evals/ has no file of {visible(sheet.suite)} any more.", "$warning")
    return Content.assemble(
        ("Not measured yet\n" if sheet.rows else "Never run\n", "bold"),
        ("Press ", "$quiet"),
        ("e", "bold $accent"),
        (" to evaluate the variant under the cursor, or type\n\n", "$quiet"),
        (f"temper eval {visible(sheet.path)} --variant {visible(variants[0])}", "bold $primary"),
    )
