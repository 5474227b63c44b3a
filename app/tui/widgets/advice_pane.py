"""The advisor's verdict, a card for each approach it measured, and what else there is to say."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.messages import RunNow
from app.tui.texts import visible
from app.tui.widgets import run_words
from app.tui.words import bar, span
from store.records.advice import Advice, Measured
from store.records.runs import ENDED

WIDTH = 60
BAR = 24


class AdvicePane(VerticalScroll):
    """Shows what it is given; scrolls."""

    def __init__(self) -> None:
        super().__init__(id="advice")
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """The verdict, the cards, the sentences."""
        yield Static(id="advice-head")
        yield VerticalScroll(id="advice-cards", can_focus=False)
        yield Static(id="advice-says")

    async def show(self, suite: str, run: RunNow | None, advice: Advice | None) -> None:
        """A suite's newest advice; what is under way or failed; or how to get one."""
        going = run is not None and run.view.state not in ENDED
        failed = run is not None and run.view.state in ("failed", "died")
        head = head_of(suite, advice)
        if run is not None and (going or failed):
            problem = run_words.problem(run.view)
            head = problem if problem is not None else run_words.head(run, WIDTH)
        self.query_one("#advice-head", Static).update(head)
        shown = (suite, run.view.run_id if run is not None else "", advice is None)
        if shown == self._shown:
            return
        self._shown = shown
        cards = self.query_one("#advice-cards", VerticalScroll)
        await cards.remove_children()
        if advice is None:
            self.query_one("#advice-says", Static).update("")
            return
        top = max((line.score for line in advice.ranking), default=0.0)
        await cards.mount_all(
            [Static(card(line, line.score == top), classes="advice-card") for line in advice.ranking]
        )
        self.query_one("#advice-says", Static).update(says(advice))


def head_of(suite: str, advice: Advice | None) -> Content:
    """The verdict in plain words first; or the command that asks for one."""
    if advice is None:
        return Content.assemble(
            ("No advice yet\n", "bold"),
            ("Prompt, retrieval, an adapter, or another base? Press ", "$quiet"),
            ("r", "bold $accent"),
            (" to measure, or type\n\n", "$quiet"),
            (f"temper advise {visible(suite)}", "bold $primary"),
        )
    verdict = advice.verdict.replace("_", " ")
    return Content.assemble(
        (visible(advice.headline), "bold"),
        ("\nverdict ", "$quiet"),
        (verdict, "bold $accent"),
        ("   bottleneck ", "$quiet"),
        (advice.binding, "$primary"),
    )


def card(line: Measured, best: bool) -> Content:
    """`adapter   ━━━━━───  83% (71 to 91)   180 ms   64 tokens`, what it asks for, how sure it is."""
    shade = "$success" if best else "$primary"
    low, high = line.ci95
    figures = f"  {line.score:>4.0%}  95% {low:.0%} to {high:.0%}"
    figures += f"   {line.latency_ms:,.0f} ms   {line.tokens:,.0f} tokens"
    if line.training_seconds is not None:
        figures += f"   {span(line.training_seconds)} of training"
    if line.cost is not None:
        figures += f"   {line.cost:.3g} per 1,000"
    name = Content.styled(f"{line.approach.replace('_', ' '):<10} ", "bold" if best else "")
    lines = [Content.assemble(name, bar(line.score, BAR, shade), figures)]
    below = "   ".join(part for part in (line.confidence, line.upkeep, line.run_id) if part)
    if below:
        lines.append(Content.styled(visible(below), "$quiet"))
    return Content("\n").join(lines)


def says(advice: Advice) -> Content:
    """Further sentences, what evidence is missing, what would make more than an adapter worth it."""
    parts = []
    for title, lines in (
        ("Also", advice.says),
        ("Evidence that is missing", advice.missing),
        ("More than an adapter", advice.further),
    ):
        if lines:
            parts.append(Content.styled(title, "$quiet"))
            parts += [Content.assemble(("  · ", "$accent"), visible(line)) for line in lines]
    return Content("\n").join(parts)
