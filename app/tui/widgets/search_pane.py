"""A question and the passages that a search found for it, each with its scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from app.tui.texts import fit, visible
from app.tui.widgets.long_list import LongList, Parts
from store.records.knowledge import Hit, SearchResult, SearchStage

NAMED = 3
"""Dropped passages of a stage that are named."""
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

    def show(self, hits: list[Hit]) -> None:
        """Show these, best first."""
        self.hits = hits
        self.set_count(len(hits))

    def line(self, index: int, width: int) -> Parts:
        """`1 .0325 knowledge/recovery.md  If a phone is lost`."""
        hit = self.hits[index]
        head = f"{index + 1:>2} "
        score = f"{hit.score:.4f} "
        name = min(len(hit.doc) + 2, width // 3)
        room = max(0, width - len(head) - len(score) - name)
        return [
            (head, "$accent"),
            (score, "$quiet"),
            (fit(hit.doc, name), "$primary"),
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
        with VerticalScroll(id="hit-about", can_focus=False):
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
        stages = result.stages if result is not None else []
        self.query_one("#search-stages", Static).update(stage_lines(stages))

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


def stage_lines(stages: Sequence[SearchStage]) -> Content:
    """What each stage was given and kept, and the first of what it dropped, with the reason."""
    lines = []
    for stage in stages:
        lines.append(
            Content.assemble(
                (fit(stage.name, 10), "bold"),
                f"{stage.kept:,} of {stage.given:,}",
                (f"   {stage.milliseconds:.1f} ms   {visible(stage.note)}", "$quiet"),
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
