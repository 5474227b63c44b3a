"""A question and the passages that a search found for it, each with its scores."""

from __future__ import annotations

from posixpath import commonpath
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from app.tui.texts import fit, fit_end
from app.tui.widgets.long_list import LongList, Parts
from app.tui.widgets.search_words import about, said, stage_lines, visible_lines
from store.records.knowledge import Hit, SearchResult

BAR = 6  # cells of a passage's score
BEFORE = Content.assemble(
    ("Type a question and press ", "$quiet"), ("enter", "bold $accent"), (".", "$quiet")
)


class HitList(LongList):
    """Two lines would hide half of the list, so a hit has one: score, document, beginning of its text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "In its document", key_display="⏎"),
    ]

    def __init__(self) -> None:
        super().__init__(id="hit-list")
        self.hits: list[Hit] = []
        self._names: list[str] = []

    def show(self, hits: list[Hit]) -> None:
        """Show these, best first. The folder that all of them lie in is left out."""
        self.hits = hits
        self._names = without_folder([hit.doc for hit in hits])
        self.set_count(len(hits))

    def line(self, index: int, width: int) -> Parts:
        """`1 ━━━━━─ .0325 recovery.md  If a phone is lost`: a full bar is the best passage's score."""
        hit, best = self.hits[index], max(one.score for one in self.hits)
        head = f"{index + 1:>2} "
        score = f" {hit.score:.4f} "
        full = round(max(0.0, min(1.0, hit.score / best)) * BAR) if best > 0 else 0
        name = min(max(map(cell_len, self._names)), width // 3)
        room = max(0, width - len(head) - BAR - len(score) - name - 2)
        return [
            (head, "$accent"),
            ("━" * full, "$primary"),
            ("─" * (BAR - full), "$rule"),
            (score, "$quiet"),
            (fit_end(self._names[index], name) + "  ", "$primary"),
            (fit(hit.text, room), ""),
        ]


class SearchPane(Vertical):
    """Asks for a search by message and shows the answer to the newest question."""

    class Asked(Message):
        """A question to be searched for."""

        def __init__(self, kb: str, query: str, number: int) -> None:
            super().__init__()
            self.kb = kb
            self.query = query
            self.number = number

    class Opened(Message):
        """The user wants to see a passage in its document."""

        def __init__(self, kb: str, hit: Hit) -> None:
            super().__init__()
            self.kb = kb
            self.hit = hit

    def __init__(self) -> None:
        super().__init__(id="search")
        self.kb = ""
        self.result: SearchResult | None = None
        self._number = 0

    def compose(self) -> ComposeResult:
        """The field, what is said of the search, what was found, the passage under the cursor, the stages."""
        yield Input(id="kb-search", placeholder="a question", compact=True)
        yield Static(BEFORE, id="search-said")
        yield HitList()
        with VerticalScroll(id="hit-about", classes="about", can_focus=False):
            yield Static(id="hit-scores")
            yield Static(id="hit-text")
            yield Static(id="search-stages")

    def open(self, kb: str) -> None:
        """Search in `kb` from now on."""
        if kb != self.kb:
            self.kb, self.result = kb, None
            self._show()
        field = self.query_one("#kb-search", Input)
        field.focus()
        field.select_all()

    def focus_hits(self) -> None:
        """Back to what was found."""
        self.query_one(HitList).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field asks."""
        event.stop()
        self._number += 1
        self.query_one("#search-said", Static).update(Content.styled("Searching …", "$state-running"))
        self.post_message(self.Asked(self.kb, event.value, self._number))

    def answered(self, number: int, result: SearchResult) -> None:
        """What was found; an answer that a newer question has overtaken is passed over."""
        if number == self._number:
            self.result = result
            self._show()
            if result.hits:
                self.focus_hits()

    def failed(self, number: int) -> None:
        """There will be no answer; the error is shown elsewhere."""
        if number == self._number:
            self._show()

    def _show(self) -> None:
        result = self.result
        self.query_one("#search-said", Static).update(said(result) if result is not None else BEFORE)
        self.query_one(HitList).show(result.hits if result is not None else [])
        self._show_stages()

    def on_resize(self) -> None:
        """Stages are drawn for a width."""
        self.call_after_refresh(self._show_stages)

    def _show_stages(self) -> None:
        stages = self.result.stages if self.result is not None else []
        width = self.query_one("#hit-about").scrollable_content_region.width
        self.query_one("#search-stages", Static).update(stage_lines(stages, width))

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """The passage under the cursor, as far as there is room."""
        event.stop()
        hits = self.query_one(HitList)
        shown = hits.hits[hits.cursor] if hits.cursor < len(hits.hits) else None
        self.query_one("#hit-scores", Static).update(about(shown) if shown is not None else "")
        self.query_one("#hit-text", Static).update(visible_lines(shown.text) if shown is not None else "")
        self.query_one("#hit-about", VerticalScroll).scroll_home(animate=False)

    def on_long_list_chosen(self, event: LongList.Chosen) -> None:
        """Enter on a passage opens it in its document."""
        event.stop()
        hits = self.query_one(HitList)
        self.post_message(self.Opened(self.kb, hits.hits[hits.cursor]))


def without_folder(paths: list[str]) -> list[str]:
    """Paths without the folders that all of them begin with."""
    folders = {path.rpartition("/")[0] for path in paths}
    shared = commonpath(folders) if folders and "" not in folders else ""
    return [path.removeprefix(f"{shared}/") for path in paths]
