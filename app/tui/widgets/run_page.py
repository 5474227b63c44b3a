"""The page of one run: state and time, figures, loss curve or phases, its error, its events and its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, Log, Static

from app.tui.board import History
from app.tui.errors import shown
from app.tui.messages import EventLine, RunNow, Watched
from app.tui.widgets import run_words

if TYPE_CHECKING:
    from app.tui.widgets.chart import LossChart

LOG_LINES = 2000


class RunPage(Vertical):
    """Shows whatever run it is told to; `show` draws only what the news touch."""

    def __init__(self) -> None:
        super().__init__(id="run-page")
        self._run: RunNow | None = None
        self._history: History | None = None
        self._chart: LossChart | None = None
        self._chart_wanted = False
        self._measure = "loss"
        self._early = 0  # how often another curve was asked for before there was any

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(id="run-head")
        yield Static(id="run-figures")
        yield Static(id="run-error")
        yield Static(id="run-notes")
        yield Static(id="chart-title")
        yield Vertical(id="chart-place")
        yield Static(id="run-phases")
        yield Static(id="run-tabs")
        with ContentSwitcher(initial="run-events", id="run-below"):
            with VerticalScroll(id="run-events"):
                yield Static(id="event-lines")
            yield Log(id="run-log", max_lines=LOG_LINES)

    def on_mount(self) -> None:
        """Start empty."""
        self._show_tabs()

    def on_resize(self) -> None:
        """Bars, figures and notes are laid out for a width."""
        if self._run is not None:
            self._show_head(self._run)
        history = self._history
        if history is not None and self._run is not None and history.run_id == self._run.view.run_id:
            self._show_curve(history)
            self._show_phases(history)
            self._show_notes(history)

    def show(self, run: RunNow, history: History | None, news: Watched | None) -> None:
        """Show `run`. `history` is what is known of it so far, `news` what has just come; None: all of it."""
        self._run = run
        self._show_head(run)
        if history is None or history.run_id != run.view.run_id:
            return
        everything = news is None or history is not self._history
        self._history = history
        if everything or (news is not None and (news.steps or news.evaluated or news.general or news.fresh)):
            self._show_curve(history)
        if everything or (news is not None and news.phases):
            self._show_phases(history)
        if everything or (news is not None and news.lines):
            self._show_lines(history.lines)
            self._show_notes(history)
        if news is not None:
            self._show_log(news)

    def _width(self) -> int:
        return max(20, self.content_size.width)

    def _show_head(self, run: RunNow) -> None:
        self.query_one("#run-head", Static).update(run_words.head(run, self._width()), layout=False)
        self.set_class(run.step is not None, "stepped")
        if run.step is not None:
            figures = run_words.figures(run, self._width())
            self.query_one("#run-figures", Static).update(figures, layout=False)
        problem = run_words.problem(run.view)
        self.set_class(problem is not None, "troubled")
        if problem is not None:
            self.query_one("#run-error", Static).update(problem)

    def _show_curve(self, history: History) -> None:
        self.set_class(len(history.steps) > 1, "curved")
        if not self.has_class("curved"):
            return
        names = history.measures
        at = names.index(self._measure) if self._measure in names else 0
        self._measure = names[(at + self._early) % len(names)]
        self._early = 0
        self.set_class(bool(history.evaluations or history.resumes or len(history.measures) > 1), "titled")
        title = run_words.chart_title(history, self._measure, self._width())
        self.query_one("#chart-title", Static).update(title, layout=False)
        if self._chart is not None:
            self._chart.show(history, self._measure)
        elif not self._chart_wanted:
            self._chart_wanted = True
            self._load_chart()

    @work(thread=True, group="chart")
    @shown
    def _load_chart(self) -> None:
        """Importing the plotting library in a thread keeps the keys alive meanwhile."""
        from app.tui.widgets.chart import LossChart

        self.app.call_from_thread(self._mount_chart, LossChart)

    def _mount_chart(self, kind: type[LossChart]) -> None:
        self._chart = kind()
        self.query_one("#chart-place").mount(self._chart)
        if self._history is not None:
            self._chart.show(self._history, self._measure)

    @property
    def measures(self) -> int:
        """How many curves there are to choose from; 0 where none is known yet."""
        return len(self._history.measures) if self._history is not None else 0

    def turn(self) -> None:
        """The next curve."""
        self._early += 1
        if self._history is not None:
            self._show_curve(self._history)

    def _show_notes(self, history: History) -> None:
        said = run_words.notes(history, self._width())
        self.set_class(bool(said.plain), "noted")
        self.query_one("#run-notes", Static).update(said)

    def _show_phases(self, history: History) -> None:
        self.set_class(bool(history.phases) and len(history.steps) < 2, "phased")
        if self.has_class("phased"):
            self.query_one("#run-phases", Static).update(
                run_words.phases(history.phases.values(), self._width())
            )

    def _show_lines(self, lines: Iterable[EventLine]) -> None:
        pane = self.query_one("#run-events", VerticalScroll)
        at_end = pane.scroll_offset.y >= pane.max_scroll_y - 1
        self.query_one("#event-lines", Static).update(run_words.event_lines(lines))
        if at_end:
            self.call_after_refresh(pane.scroll_end, animate=False)

    def _show_log(self, news: Watched) -> None:
        log = self.query_one("#run-log", Log)
        if news.fresh:
            log.clear()
        if news.log:
            log.write_lines(news.log)

    def switch(self) -> None:
        """From events to log and back."""
        below = self.query_one("#run-below", ContentSwitcher)
        below.current = "run-log" if below.current == "run-events" else "run-events"
        self._show_tabs()

    def _show_tabs(self) -> None:
        log = self.query_one("#run-below", ContentSwitcher).current == "run-log"
        styles = ("$quiet", "bold") if log else ("bold", "$quiet")
        tabs = Content.assemble(
            ("Events", styles[0]), ("  ·  ", "$faint"), ("Log", styles[1]), ("   l", "$accent")
        )
        self.query_one("#run-tabs", Static).update(tabs, layout=False)
