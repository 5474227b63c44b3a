"""The advisor's verdict, a card for each approach it measured, best first, and what else there is to say."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from app.tui.messages import RunNow
from app.tui.widgets import run_words
from app.tui.widgets.advice_words import card, no_advice, says, verdict
from store.records.advice import Advice, Measured
from store.records.runs import ENDED


class Card(Static):
    """One approach; laid out for its width."""

    def __init__(self, line: Measured, place: int, best: bool) -> None:
        super().__init__(classes="advice-card best" if best else "advice-card")
        self.measured = line
        self.place = place
        self.best = best

    def on_resize(self) -> None:
        """The bar takes what room there is."""
        self.update(card(self.measured, self.place, self.best, self.content_size.width))


class AdvicePane(VerticalScroll):
    """Shows what it is given; scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Its run", key_display="⏎")]

    class Opened(Message):
        """The run behind the figures is to be seen."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(self) -> None:
        super().__init__(id="advice")
        self._shown: object = None
        self._run_id = ""
        self._advice: Advice | None = None

    def compose(self) -> ComposeResult:
        """The verdict, the cards, the sentences."""
        yield Static(id="advice-run")
        yield Static(id="advice-head")
        yield Vertical(id="advice-cards")
        yield Static(id="advice-says")

    async def show(self, suite: str, run: RunNow | None, advice: Advice | None) -> None:
        """A suite's newest advice; what is under way or went wrong since; or how to get some."""
        self._show_run(run)
        shown = (suite, run.view.run_id if run is not None else "", advice is None)
        if shown == self._shown:
            return
        self._shown = shown
        self._run_id = run.view.run_id if run is not None else ""
        self.query_one("#advice-head", Static).update(
            verdict(advice) if advice is not None else no_advice(suite)
        )
        cards = self.query_one("#advice-cards")
        await cards.remove_children()
        self._advice = advice
        self._say()
        if advice is not None:
            top = max((line.score for line in advice.ranking), default=0.0)
            await cards.mount_all(
                [Card(line, at, line.score == top > 0.0) for at, line in enumerate(advice.ranking, 1)]
            )

    def on_resize(self) -> None:
        """Sentences break elsewhere."""
        self.call_after_refresh(self._say)

    def _say(self) -> None:
        width = self.query_one("#advice-says").content_size.width
        told = says(self._advice, self._run_id, width) if self._advice is not None else ""
        self.query_one("#advice-says", Static).update(told)

    def _show_run(self, run: RunNow | None) -> None:
        place = self.query_one("#advice-run", Static)
        going = run is not None and run.view.state not in ENDED
        failed = run is not None and run.view.state in ("failed", "died")
        place.display = going or failed
        if run is not None and place.display:
            problem = run_words.problem(run.view)
            place.update(problem if problem is not None else run_words.head(run, self.content_size.width))

    def action_open(self) -> None:
        """The run that measured it."""
        self.post_message(self.Opened(self._run_id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        return bool(self._run_id) if action == "open" else True
