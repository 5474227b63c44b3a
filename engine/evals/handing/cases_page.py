"""The cases of the page: each to open, its variants side by side; what failed first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from store.records.evals import CaseResult

MOST_LETTERS = 20_000
"""Of one text; the results of the run have all of it."""
SUMMARY = 140
_NUMBERS = {"fail": 0, "error": 1, "pass": 2}


def cases_html(results: Sequence[CaseResult], variants: Sequence[str]) -> str:
    """All cases, under buttons that leave those of one outcome."""
    groups: dict[tuple[str, int], list[CaseResult]] = {}
    for result in results:
        groups.setdefault((result.case, result.epoch), []).append(result)
    # Sorted by what was worst; those that differ first among them: a comparison is read for these.
    ordered = sorted(groups.values(), key=lambda group: (_NUMBERS[worst(group)], not differs(group)))
    several = len(variants) > 1
    shown = "".join(_case(group, several) for group in ordered)
    return f'<section><h2>Cases</h2>{_buttons(ordered, several)}<div class="cases">{shown}</div></section>'


def state(result: CaseResult) -> str:
    """pass, fail, or error for what could not be judged."""
    return "error" if not result.judged else "pass" if result.passed else "fail"


def worst(group: Sequence[CaseResult]) -> str:
    """The worst outcome of a case."""
    return min((state(one) for one in group), key=_NUMBERS.__getitem__)


def differs(group: Sequence[CaseResult]) -> bool:
    """Whether some variants pass and others do not."""
    return len({state(one) for one in group}) > 1


def clipped(text: str) -> str:
    """A text as it is shown, cut where it is very long."""
    more = len(text) - MOST_LETTERS
    return text if more <= 0 else f"{text[:MOST_LETTERS]}\n… {more:,} more characters"


def _buttons(groups: Sequence[Sequence[CaseResult]], several: bool) -> str:
    counts = {"all": len(groups)} | {
        name: sum(worst(group) == name for group in groups) for name in ("fail", "error", "pass")
    }
    if several:
        counts["differ"] = sum(map(differs, groups))
    words = {"all": "All", "fail": "Failed", "error": "Not judged", "pass": "Passed", "differ": "Differ"}
    return "".join(
        f'<input class="pick" type="radio" name="only" id="only-{name}"{" checked" if name == "all" else ""}>'
        f'<label for="only-{name}">{words[name]} {count}</label>'
        for name, count in counts.items()
        if count or name == "all"
    )


def _case(group: Sequence[CaseResult], several: bool) -> str:
    first = group[0]
    marks = "".join(f'<span class="mark {state(one)}">{state(one)}</span>' for one in group)
    epoch = f" · epoch {first.epoch}" if first.epoch else ""
    asked = " ".join(first.input[: 4 * SUMMARY].split())[:SUMMARY]
    head = f"<summary>{marks} <b>{escape(first.case)}</b>{epoch} {escape(asked)}</summary>"
    kinds = f"{worst(group)}{' differ' if differs(group) else ''}"
    shared = [("asked", first.input)]
    if first.expected is not None:
        shared.append(("expected", first.expected))
    body = "".join(_part(name, text) for name, text in shared)
    answers = "".join(f"<div>{_answer(one, several)}</div>" for one in group)
    return f'<details class="{kinds}">{head}{body}<div class="side">{answers}</div></details>'


def _answer(result: CaseResult, several: bool) -> str:
    name = f"{result.variant} answered" if several else "answered"
    parts = [(name, result.output or result.error)]
    parts += [(f"called {call.name}", call.arguments) for call in result.tool_calls]
    parts += [(f"passage {at}: {hit.doc}", hit.text) for at, hit in enumerate(result.hits, start=1)]
    checks = "".join(
        f'<li class="{"error" if one.error else "pass" if one.passed else "fail"}">{escape(one.kind)} '
        f"{'' if one.error else f'{one.score:.2f}'} {escape(clipped(one.error or one.detail))}</li>"
        for one in result.checks
    )
    cost = f"{result.completion_tokens} tokens, {result.latency_ms:,.0f} ms"
    return (
        "".join(_part(name, text) for name, text in parts) + f'<ul>{checks}<li class="soft">{cost}</li></ul>'
    )


def _part(name: str, text: str) -> str:
    return f'<div class="part">{escape(name)}</div><pre>{escape(clipped(text))}</pre>'
