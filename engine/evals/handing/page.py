"""Results as one HTML file: scores with their intervals as charts, slices, and every case to open.

Charts are SVG in the page; it loads nothing and runs nothing, so that it can be mailed and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from engine.evals.scores import score_of
from store.records.evals import CaseResult, VariantScore

Z95 = 1.959963984540054
WIDTH, BAR, GAP, LEFT = 640, 20, 8, 180
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right}
td:first-child,th:first-child{text-align:left}tr{border-bottom:1px solid #ddd}
details{border-bottom:1px solid #eee;padding:.3rem 0}summary{cursor:pointer}
pre{white-space:pre-wrap;background:#f6f6f6;padding:.5rem;margin:.3rem 0}
.pass{color:#1a7f37}.fail{color:#b42318}.error{color:#9a6700}text{font:12px system-ui,sans-serif}
"""


def html_page(title: str, results: Sequence[CaseResult]) -> str:
    """The page."""
    variants = list(dict.fromkeys(result.variant for result in results))
    scores = [score_of(name, [one for one in results if one.variant == name]) for name in variants]
    checks = list(dict.fromkeys(name for score in scores for name in score.checks))
    slices = list(dict.fromkeys(name for score in scores for name in score.slices))
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<h2>Score</h2>",
        chart([(one.name, one.score, one.stderr) for one in scores]),
        _table(scores, checks),
    ]
    for name in checks:
        bars = [
            (one.name, one.checks[name], one.checks_stderr.get(name, 0.0))
            for one in scores
            if name in one.checks
        ]
        parts += [f"<h3>{escape(name)}</h3>", chart(bars)]
    for name in slices:
        own = [(one.name, one.slices[name]) for one in scores if name in one.slices]
        bars = [(f"{variant} ({part.n})", part.score, part.stderr) for variant, part in own]
        parts += [f"<h3>Slice {escape(name)}</h3>", chart(bars)]
    parts += ["<h2>Cases</h2>", *(_case(result) for result in ordered(results))]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def ordered(results: Sequence[CaseResult]) -> list[CaseResult]:
    """What failed or could not be judged first, otherwise as it came."""
    return sorted(results, key=lambda result: result.passed)


def chart(bars: Sequence[tuple[str, float, float]]) -> str:
    """Bars of shares with 95% intervals (score ± 1.96 standard errors, within 0 and 1)."""
    height = len(bars) * (BAR + GAP) + 20
    room = WIDTH - LEFT - 60
    drawn = []
    for at, (name, score, error) in enumerate(bars):
        top = at * (BAR + GAP) + 4
        middle = top + BAR / 2
        low, high = (LEFT + room * min(1, max(0, score + sign * Z95 * error)) for sign in (-1, 1))
        drawn.append(
            f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(name[:28])}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{room * score:.1f}" height="{BAR}" fill="#5b8def"/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#222"/>'
            f'<text x="{LEFT + room + 6}" y="{middle + 4}">{score:.1%}</text>'
        )
    axis = f'<line x1="{LEFT}" x2="{LEFT + room}" y1="{height - 14}" y2="{height - 14}" stroke="#999"/>'
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{"".join(drawn)}{axis}</svg>'


def _table(scores: Sequence[VariantScore], checks: Sequence[str]) -> str:
    heads = ["variant", "n", "score", "±", "errors", "tokens", "ms", *checks]
    rows = []
    for one in scores:
        cost = one.cost
        cells = [
            escape(one.name),
            str(one.n),
            f"{one.score:.1%}",
            f"{one.stderr:.1%}",
            str(one.errors),
            f"{cost.completion_tokens:.0f}" if cost else "",
            f"{cost.latency_ms:.0f}" if cost else "",
            *(f"{one.checks[name]:.1%}" if name in one.checks else "" for name in checks),
        ]
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _case(result: CaseResult) -> str:
    state = "error" if not result.judged else "pass" if result.passed else "fail"
    epoch = f" · epoch {result.epoch}" if result.epoch else ""
    head = (
        f'<span class="{state}">{state}</span> {escape(result.variant)} · {escape(result.case)}{epoch} · '
        f"{escape(result.input[:90])}"
    )
    parts = [("input", result.input), ("output", result.output or result.error)]
    if result.expected is not None:
        parts.append(("expected", result.expected))
    parts += [(f"passage {at}: {hit.doc}", hit.text) for at, hit in enumerate(result.hits, start=1)]
    shown = "".join(f"<b>{escape(name)}</b><pre>{escape(text)}</pre>" for name, text in parts)
    checks = "".join(
        f"<li>{escape(check.kind)}: {check.score:.2f} {escape(check.error or check.detail)}</li>"
        for check in result.checks
    )
    return f"<details><summary>{head}</summary>{shown}<ul>{checks}</ul></details>"
