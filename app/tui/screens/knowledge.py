"""Knowledge: documents on the left; on the right a document with its passages in place, or a search.

Files are read and searches run in threads. How documents are cut and passages ranked is not known here.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Static

from app.tui import library
from app.tui.errors import giving_up, shown
from app.tui.library import Base
from app.tui.messages import RunNow, RunsPolled
from app.tui.screens.sided import Sheets, SidedScreen
from app.tui.search_feed import SearchFeed
from app.tui.widgets.chunk_view import ChunkView
from app.tui.widgets.document_list import DocumentList, Line
from app.tui.widgets.knowledge_words import NOTHING, about_ingest, about_line, about_place
from app.tui.widgets.long_list import LongList
from app.tui.widgets.search_pane import SearchPane
from store.records.runs import ENDED

LOOK_SECONDS = 2.0  # how often new generations are looked for


class KnowledgeScreen(SidedScreen):
    """The cursor on a document opens it. Nothing here changes a document."""

    CSS_PATH: ClassVar[Sheets] = [SidedScreen.SHEET, "knowledge.tcss"]
    MODE = "knowledge"
    AUTO_FOCUS = "DocumentList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/"),
        Binding("i", "ingest", "Ingest"),
        Binding("z", "stop", "Stop"),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.searches: SearchFeed | None = None
        self.bases: list[Base] | None = None
        self._stamp: object = None
        self._came_from_search = False

    def body(self) -> ComposeResult:
        """Documents; one of them or a search; or how to get a first one."""
        with Horizontal(id="knowledge", classes="sides"):
            with Vertical(id="knowledge-left", classes="left-side"):
                yield DocumentList()
            with Vertical(id="knowledge-right", classes="right-side"):
                yield Static(id="document-head")
                yield Static(id="ingest-run")
                with ContentSwitcher(initial="document", id="knowledge-panes"):
                    with Vertical(id="document"):
                        yield Static(id="document-text")
                        yield ChunkView()
                    yield SearchPane()
            yield Static(NOTHING, id="no-knowledge", classes="nothing-yet")

    def on_mount(self) -> None:
        """Look at the files now and every so often."""
        self.searches = self.temper.search_feed()
        self._look(fresh=True)
        self.set_interval(LOOK_SECONDS, self._look)

    @property
    def chosen(self) -> Line | None:
        """What the cursor is on."""
        return self.query_one(DocumentList).chosen

    @property
    def searching(self) -> bool:
        """Whether the search is to be seen."""
        return self.query_one("#knowledge-panes", ContentSwitcher).current == "search"

    # What lies on the disk

    @work(thread=True, group="library", exclusive=True)
    @shown
    def _look(self, fresh: bool = False) -> None:
        now = library.stamp(self.workspace)
        if not fresh and now == self._stamp:
            return
        known = {base.key: base for base in self.bases or ()}
        bases = [
            known.get((name, generation or 0)) or library.read(self.workspace, name)
            for name, generation in now
        ]
        if self.is_attached:
            self.app.call_from_thread(self._looked, bases, now)

    @shown
    def _looked(self, bases: list[Base], now: object) -> None:
        self.bases, self._stamp = bases, now
        self.set_class(not bases, "empty")
        self.query_one(DocumentList).show(bases)
        self.refresh_bindings()

    @shown
    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Another document: open it."""
        shown = self.query_one(ChunkView).document
        if isinstance(event.long_list, DocumentList) and not self.searching:
            opened = self.chosen is not None and shown is not None and self.chosen.document is shown
            if not opened:  # by a search, at a passage of its own
                self._show_chosen()

    def _show_chosen(self, passage: int = 0) -> None:
        line = self.chosen
        if line is None:
            return
        view = self.query_one(ChunkView)
        document = line.document
        view.show(document, passage)
        self._say_where(passage)
        self.query_one("#document-text", Static).display = document is None
        view.display = document is not None
        if document is None:
            self.query_one("#document-text", Static).update(about_place(line))

    def _say_where(self, passage: int) -> None:
        line = self.chosen
        if line is not None:
            self.query_one("#document-head", Static).update(about_line(line, passage))

    def on_chunk_view_turned(self, event: ChunkView.Turned) -> None:
        """Another passage is the current one."""
        self._say_where(event.at)

    # Ingest

    def runs_changed(self, batch: RunsPolled | None) -> None:
        """Show the newest ingest while it works and if it failed."""
        if self.bases is None:
            return
        run = self._ingest_run()
        hidden = run is None or run.view.state in ("finished", "cancelled")
        place = self.query_one("#ingest-run", Static)
        place.display = not hidden
        if run is not None and not hidden:
            place.update(about_ingest(run))
        self.refresh_bindings()
        if batch is not None and any(one.view.state in ENDED for one in batch.changed):
            self._look()

    def _ingest_run(self) -> RunNow | None:
        newest = (run for run in self.board.newest_first() if run.view.kind == "ingest")
        return next(newest, None)

    def action_ingest(self) -> None:
        """Bring the knowledge base under the cursor up to date, unless that is under way."""
        run, line = self._ingest_run(), self.chosen
        if run is not None and run.view.state not in ENDED:
            self.notify("An ingest is under way already.", severity="warning")
        elif line is not None:
            self.notify(f"Bringing {line.base.name} up to date …")
            self._ingest(line.base.name)

    @work(thread=True, group="ingest")
    @shown
    def _ingest(self, kb: str) -> None:
        from engine.jobs import launch
        from engine.jobs.ingest import IngestParams

        command = f"temper kb ingest --kb {kb}"
        launch.start(self.workspace, "ingest", IngestParams(kb), f"ingest {kb}", command)

    def action_stop(self) -> None:
        """Ask, then stop the ingest that is under way."""
        if (run := self._ingest_run()) is not None:
            self.ask_to_stop(run, "The generation that is searched now stays.")

    # Search

    def action_search(self) -> None:
        """Type to find passages."""
        line = self.chosen
        if line is None:
            return
        self._show_pane("search")
        self.query_one(SearchPane).open(line.base.name)
        self.go_inside(True)

    def on_search_pane_asked(self, event: SearchPane.Asked) -> None:
        """A question was typed."""
        self._search(event.kb, event.query, event.number)

    @work(thread=True, group="search", exclusive=True)
    @shown
    def _search(self, kb: str, query: str, number: int) -> None:
        assert self.searches is not None  # made when the screen was
        pane = self.query_one(SearchPane)
        with giving_up(self, partial(pane.failed, number)):
            result = self.searches.search(kb, query)
        if self.is_attached:
            self.app.call_from_thread(pane.answered, number, result)

    @shown
    def on_search_pane_opened(self, event: SearchPane.Opened) -> None:
        """A passage that was found, in its document."""
        listed = self.query_one(DocumentList)
        if not listed.choose(event.kb, event.hit.doc):
            self.notify("This document is in no generation any more.", severity="warning")
            return
        line = self.chosen
        chunks = line.document.chunks if line is not None and line.document is not None else []
        places = [(chunk.start, chunk.end) for chunk in chunks]
        place = (event.hit.start, event.hit.end)
        self._show_pane("document")
        self._show_chosen(places.index(place) if place in places else 0)
        self.query_one(ChunkView).focus()
        self._came_from_search = True

    # Moving about

    def on_long_list_chosen(self, event: LongList.Chosen) -> None:
        """Enter on a document goes into it."""
        if isinstance(event.long_list, DocumentList) and self.query_one(ChunkView).display:
            self.go_inside(True)
            self.query_one(ChunkView).focus()

    def _show_pane(self, name: str) -> None:
        self.query_one("#knowledge-panes", ContentSwitcher).current = name
        self.query_one("#document-head").display = name == "document"

    @shown
    def action_back(self) -> None:
        """One step back: from a found passage to the search, from there to the documents."""
        if self._came_from_search and not self.searching:
            self._came_from_search = False
            self._show_pane("search")
            self.query_one(SearchPane).focus_hits()
            return
        self._came_from_search = False
        self._show_pane("document")
        self._show_chosen()
        self.go_inside(False)
        self.query_one(DocumentList).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if action == "back":
            return self.inside
        if action == "stop":
            return self.can_stop(self._ingest_run())
        if action in ("search", "ingest"):
            return self.bases is None or bool(self.bases)
        return True
