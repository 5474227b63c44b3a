"""One row as a model will see it: what carries loss, where it is cut, whether its end is trained."""

from __future__ import annotations

from typing import ClassVar, get_args

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app.tui.errors import shown
from app.tui.preview_feed import PreviewFeed, View
from app.tui.row_feed import RowFeed
from app.tui.texts import visible
from app.tui.widgets.figures import percent
from app.tui.widgets.token_view import TokenView
from app.tui.words import bar
from store.errors import TemperError
from store.records.preview import Mask, Preview

MASKS: tuple[Mask, ...] = get_args(Mask)
MASK_WORDS: dict[Mask, str] = {
    "assistant": "every answer",
    "last": "the last answer",
    "completion": "all after the prompt",
    "whole": "every token",
}
LEGEND = Content.assemble(
    ("┃ carries loss", "bold $primary"),
    ("   context", "$quiet"),
    ("   <special>", "italic $secondary"),
    ("   cut off", "strike $error"),
    ("   ↵ line break", "$quiet"),
)


class PreviewPane(Vertical):
    """Shows the row that it is told to; reading and rendering are done in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mask", "Mask"),
        Binding("o", "model", "Model"),
        Binding("e", "ending", "Ending"),
    ]

    def __init__(self) -> None:
        super().__init__(id="preview")
        self.view = View()
        self._dataset = ""
        self._seen: Preview | None = None
        self.place: int | None = None
        self._rows: RowFeed | None = None
        self._feed: PreviewFeed | None = None
        self._wish = 0
        self._position = (0, 0)

    def compose(self) -> ComposeResult:
        """Which row and how it is seen, then its tokens, then what the colours mean."""
        yield Static(id="preview-row")
        yield Static(id="preview-view")
        yield Static(id="preview-share")
        yield Static(id="preview-problem")
        yield TokenView()
        yield Static(LEGEND, id="preview-legend")

    @property
    def mask(self) -> Mask:
        """What carries loss now."""
        return self.view.mask or (self._seen.mask if self._seen is not None else "assistant")

    def start_as(self, dataset: str, name: str) -> None:
        """Rows of another dataset are first seen as `name` sees them."""
        if dataset != self._dataset:
            self._dataset, self.view = dataset, View(name)

    def show(self, rows: RowFeed, feed: PreviewFeed, place: int, position: tuple[int, int]) -> None:
        """Show the row at `place`; `position`: the how-manieth of how many it is in the table."""
        self._rows, self._feed, self.place, self._position = rows, feed, place, position
        self.look()

    def clear(self) -> None:
        """No row is chosen."""
        self._wish += 1
        self.place, self._rows = None, None
        for part in ("row", "share", "problem"):
            self.query_one(f"#preview-{part}", Static).update("")
        self.query_one(TokenView).show(None)

    def change(self, view: View) -> None:
        """Look at the same row in another way."""
        self.view = view
        self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing: only a preference has two endings."""
        if action == "ending":
            return self._seen is not None and bool(self._seen.ending)
        return self._feed is not None

    def action_mask(self) -> None:
        """The next way to choose what carries loss."""
        self.change(self.view.with_(mask=MASKS[(MASKS.index(self.mask) + 1) % len(MASKS)]))

    def action_ending(self) -> None:
        """The other ending of a preference."""
        self.change(self.view.with_(rejected=not self.view.rejected))

    def action_model(self) -> None:
        """Choose whose eyes to see with."""
        from app.tui.dialogs.choose import ChooseDialog

        def chosen(name: str | None) -> None:
            if name is not None:
                self.change(View(name, rejected=self.view.rejected))

        choices = self._feed.choices() if self._feed is not None else []
        self.app.push_screen(ChooseDialog("As who sees it?", choices, self.view.name), chosen)

    def look(self) -> None:
        """Render the row as things stand."""
        self._wish += 1
        self._show_view(None)
        if self._rows is not None and self._feed is not None and self.place is not None:
            self._show_row(self._rows, self.place)
            self._preview(self._rows, self._feed, self.place, self.view, self._wish)

    @work(thread=True, group="preview")
    @shown
    def _preview(self, rows: RowFeed, feed: PreviewFeed, place: int, view: View, wish: int) -> None:
        if wish != self._wish:  # another row is wanted by now
            return
        made: Preview | TemperError
        try:
            made = feed.preview(rows.example(place), view)
        except TemperError as error:
            made = error
        if self.is_attached:
            self.app.call_from_thread(self._made, made, wish)

    def _made(self, made: Preview | TemperError, wish: int) -> None:
        if wish != self._wish:
            return
        preview = made if isinstance(made, Preview) else None
        problem = self.query_one("#preview-problem", Static)
        problem.update(problem_words(made))
        self.set_class(bool(str(problem.content)), "troubled")
        self.query_one("#preview-share", Static).update(share(preview, self._width()) if preview else "")
        if preview is not None:
            self._seen = preview
            self.screen.refresh_bindings()
        self._show_view(preview)
        self.query_one(TokenView).show(preview)

    def _width(self) -> int:
        return max(24, self.content_size.width)

    def _show_row(self, rows: RowFeed, place: int) -> None:
        keys = rows.keys
        at, of = self._position
        self.query_one("#preview-row", Static).update(
            Content.assemble(
                (f"line {keys.lines[place]:,}", "bold"),
                (f"   {keys.splits[place]}", "$quiet"),
                (f"   row {keys.rows[place][:12]}", "$faint"),
                (f"   {at:,} of {of:,} ", "$quiet"),
                ("←→", "$accent"),
            )
        )

    def _show_view(self, preview: Preview | None) -> None:
        parts = [
            Content.assemble(
                ("as ", "$quiet"), (visible(self.view.name) or "nobody", "$primary"), (" o", "$accent")
            ),
            Content.assemble(("loss on ", "$quiet"), (MASK_WORDS[self.mask], "$primary"), (" m", "$accent")),
        ]
        if preview is not None and preview.ending:
            parts.append(
                Content.assemble(("ending ", "$quiet"), (preview.ending, "$primary"), (" e", "$accent"))
            )
        if preview is not None and preview.max_length:
            parts.append(Content.styled(f"limit {preview.max_length:,} tokens", "$quiet"))
        self.query_one("#preview-view", Static).update(Content("   ").join(parts))


def share(preview: Preview, width: int) -> Content:
    """`━━━━────  38 of 126 tokens carry loss  30 %   ✓ end trained   ✓ nothing cut`."""
    kept = len(preview.tokens) - preview.cut
    tokens = "tokens carry loss" if width >= 76 else "carry loss"
    said = f" {preview.trained:,} of {kept:,} {tokens}, {percent(preview.trained, kept)}"
    end = ("   ✓ end trained", "$success") if preview.eos_trained else ("   ▲ end not trained", "$warning")
    cut = ("", "")
    if preview.cut:
        lost = f", {preview.cut_trained:,} of the answer" if preview.cut_trained else ""
        cut = (f"   ✂ {preview.cut:,} cut{lost}", "$error" if preview.cut_trained else "$warning")
    room = width - len(said) - len(end[0]) - len(cut[0])
    gauge = bar(preview.trained / max(1, kept), min(24, room), "$primary") if room >= 6 else Content("")
    return Content.assemble(gauge, said.lstrip() if room < 6 else said, end, cut)


def problem_words(made: Preview | TemperError) -> Content:
    """Why a row cannot be rendered or trained."""
    if isinstance(made, TemperError):
        return Content.assemble(
            (visible(made.title), "bold $error"), f"\n{made.happened}\n", (made.remedy, "$warning")
        )
    if made.problem:
        return Content.styled(f"✗ {visible(made.problem)}", "$error")
    return Content.styled(f"▲ {visible(made.note)}", "$warning") if made.note else Content("")
