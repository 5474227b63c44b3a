"""Results as one HTML file: scores with their intervals as charts, checks, slices, and every case to open.

Charts are SVG in the page; it loads nothing and runs nothing, so that it can be mailed and kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from engine.evals.handing.cases_page import cases_html
from engine.evals.handing.charts import COLOURS, Bar, bars, histogram
from engine.evals.handing.style import STYLE
from engine.evals.scores import score_of
from store.records.evals import CaseResult, Interval, VariantScore

NOTHING_KNOWN: Interval = (0.0, 1.0)
"""The interval of what has no results behind it."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What no page may hold, and what makes a file of text one of bytes to other programs."""


def html_page(title: str, results: Sequence[CaseResult]) -> str:
    """The page."""
    variants = list(dict.fromkeys(result.variant for result in results))
    scores = [score_of(name, [one for one in results if one.variant == name]) for name in variants]
    parts = [
        f"<header><h1>{escape(title)}</h1>{_about(scores, len({one.case for one in results}))}</header>",
        f'<div class="cards">{"".join(_card(at, one) for at, one in enumerate(scores))}</div>',
        _score(scores),
        _checks(scores),
        _slices(scores),
        _times(results, variants),
        cases_html(results, variants),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    body = _CONTROLS.sub("\ufffd", "\n".join(part for part in parts if part))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _about(scores: Sequence[VariantScore], cases: int) -> str:
    epochs = max(one.epochs for one in scores)
    times = f", each asked {epochs} times" if epochs > 1 else ""
    return (
        f'<p class="soft">{cases:,} case{"" if cases == 1 else "s"}{times}. A case that could not be judged '
        "counts nowhere. Lines on bars are 95% intervals, ± is one standard error.</p>"
    )


def _between(span: Interval | None) -> str:
    low, high = span or NOTHING_KNOWN
    return f"{low:.1%} to {high:.1%}"


def _card(at: int, one: VariantScore) -> str:
    lines = [_between(one.ci95), f"{one.n:,} judged"] if one.n else ["none judged"]
    if one.errors:
        lines.append(f"{one.errors:,} not judged")
    if one.cost:
        lines.append(f"{one.cost.completion_tokens:,.0f} tokens, {one.cost.latency_ms:,.0f} ms an answer")
    if one.fragility is not None:
        share = f"{one.fragility:.0%} ({_between(one.fragility_ci95)})"
        lines.append(f"{share} of questions hang on their wording")
    said = "".join(f'<p class="soft">{escape(line)}</p>' for line in lines)
    return (
        f'<div class="card" style="--c:var(--c{at % COLOURS})"><h3>{escape(one.name)}</h3>'
        f"<b>{f'{one.score:.1%}' if one.n else '-'}</b>{said}</div>"
    )


def _score(scores: Sequence[VariantScore]) -> str:
    """The share that passed, of several variants; of one the card says it."""
    if len(scores) < 2:
        return ""
    rows = [
        Bar(one.name, one.score, *(one.ci95 or NOTHING_KNOWN), at, f"± {one.stderr:.1%}")
        for at, one in enumerate(scores)
    ]
    return f"<section><h2>Passed</h2>{bars(rows, 'Share of passed cases by variant')}</section>"


def _checks(scores: Sequence[VariantScore]) -> str:
    names = list(dict.fromkeys(name for one in scores for name in one.checks))
    rows = []
    for name in names:
        for at, one in enumerate(scores):
            if name in one.checks:
                error, (low, high) = one.checks_stderr[name], one.checks_ci95[name]
                rows.append(Bar(name, one.checks[name], low, high, at, f"± {error:.1%}"))
    if not rows:
        return ""
    chart = bars(rows, "Mean score by check and variant")
    return f"<section><h2>Mean score by check</h2>{_key(scores)}{chart}</section>"


def _slices(scores: Sequence[VariantScore]) -> str:
    names = list(dict.fromkeys(name for one in scores for name in one.slices))
    rows = []
    for name in names:
        for at, one in enumerate(scores):
            if name in one.slices:
                part = one.slices[name]
                rows.append(Bar(name, part.score, *(part.ci95 or NOTHING_KNOWN), at, f"of {part.n:,}"))
    if not rows:
        return ""
    chart = bars(rows, "Share of passed cases by slice and variant")
    return f"<section><h2>Passed by slice</h2>{_key(scores)}{chart}</section>"


def _times(results: Sequence[CaseResult], variants: Sequence[str]) -> str:
    series = [
        (name, [one.latency_ms for one in results if one.variant == name and not one.error])
        for name in variants
    ]
    known = [(name, times) for name, times in series if any(times)]
    chart = histogram(known, "ms", "How long answers took, by variant")
    return f"<section><h2>How long answers took</h2>{chart}</section>" if chart else ""


def _key(scores: Sequence[VariantScore]) -> str:
    """Which colour is whose, where there are several."""
    if len(scores) < 2:
        return ""
    entries = "".join(
        f'<i style="--c:var(--c{at % COLOURS})"></i>{escape(one.name)}' for at, one in enumerate(scores)
    )
    return f'<p class="key soft">{entries}</p>'
