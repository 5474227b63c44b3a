"""Chat: talk to a variant through the local server, with or without retrieval; passages to read."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import Static, TextArea

from app.tui import suite_feed
from app.tui.asking import Asking
from app.tui.chat_feed import Ending
from app.tui.errors import shown
from app.tui.screens.base import TemperScreen
from app.tui.widgets.turn import Turn
from engine.models.variants import knowledge_of
from store.records.data import Message
from store.records.runs import RunView
from store.workspace import Workspace


class Question(TextArea):
    """Enter sends, a newline needs shift or ctrl-j; grows with its text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=True),
        Binding("shift+enter,ctrl+j", "newline", "New line", show=False, priority=True),
    ]

    class Asked(TextualMessage):
        """The user has sent `text`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def action_send(self) -> None:
        """Send what is written, unless it is blank."""
        if self.text.strip():
            self.post_message(self.Asked(self.text.strip()))

    def action_newline(self) -> None:
        """A new line."""
        self.insert("\n")


class ChatScreen(TemperScreen):
    """One conversation at a time; nothing is loaded in this process."""

    CSS_PATH = "chat.tcss"
    MODE = "chat"
    MODE_KEYS = ("F2", "F3", "F4", "F5", "F6", "F7")
    AUTO_FOCUS = "#question"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", key_display="esc"),
        Binding("ctrl+c", "stop", "Stop", show=False, priority=True),
        Binding("escape", "leave", "Leave the field", show=False),
        Binding("i", "write", "Write", show=True),
        Binding("ctrl+r", "retrieval", "Retrieval"),
        Binding("ctrl+t", "variant", "Variant"),
        Binding("ctrl+o", "passages", "Passages"),
        Binding("ctrl+s", "keep", "Keep"),
        Binding("ctrl+n", "new", "New"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.variant: str | None = None
        self.retrieval = True
        self._asking: Asking | None = None

    def body(self) -> ComposeResult:
        """The conversation above, the field below."""
        with VerticalScroll(id="conversation", can_focus=False):
            yield Static(id="greeting")
        yield Static(id="chat-status")
        yield Question(
            id="question",
            compact=True,
            placeholder="Ask something",
            highlight_cursor_line=False,
            soft_wrap=True,
        )

    def on_mount(self) -> None:
        """Start with the workspace's default variant."""
        config = self._workspace.config
        self.variant = (
            config.defaults.variant or next(iter(config.variants), None) or next(iter(config.models), None)
        )
        self.query_one("#conversation").anchor()
        self._show_status()
        self.query_one("#greeting", Static).update(self._greeting())

    @property
    def _workspace(self) -> Workspace:
        workspace = self.board.workspace
        assert workspace is not None  # outside a workspace there is no chat
        return workspace

    @property
    def turns(self) -> list[Turn]:
        """The conversation so far."""
        return list(self.query(Turn))

    @property
    def answering(self) -> bool:
        """Whether an answer is under way."""
        return self._asking is not None

    @shown
    async def on_question_asked(self, event: Question.Asked) -> None:
        """A new turn."""
        if self.answering:
            self.notify("Wait for the answer, or stop it with escape.", severity="warning")
            return
        if self.variant is None:
            self.action_variant()
            return
        history = [message for turn in self.turns for message in turn.messages]
        turn = Turn(event.text, self.variant)
        self.query_one("#greeting").display = False
        conversation = self.query_one("#conversation", VerticalScroll)
        await conversation.mount(turn)  # there must be something to write the answer into
        conversation.anchor()
        self.query_one(Question).clear()
        messages = [*history, Message("user", event.text)]
        self._asking = Asking(self, turn, self.temper.chat_feed(), messages, self.retrieval)
        self._asking.start()
        self._show_status()

    def on_asking_grew(self, event: Asking.Grew) -> None:
        """A piece of an answer, unless it was stopped meanwhile."""
        asking = event.asking
        if asking is not self._asking or not asking.turn.is_attached:
            return
        asking.turn.add(event.piece)
        if event.piece.ending is not None:
            self._asking = None
            self._show_status()

    def action_stop(self) -> None:
        """End the answer here; what has come is kept."""
        if self._asking is not None:
            self._asking.stop()
            self._asking.turn.end(Ending("stopped"))
            self._asking = None
            self._show_status()

    def on_unmount(self) -> None:
        """Closing the app does not wait for an answer."""
        if self._asking is not None:
            self._asking.stop()

    def action_leave(self) -> None:
        """Out of the field, so that single keys work."""
        turns = self.turns
        if turns:
            turns[-1].focus()
        else:
            self.set_focus(None)

    def action_write(self) -> None:
        """Into the field."""
        self.query_one(Question).focus()

    def action_retrieval(self) -> None:
        """With or without the knowledge base."""
        self.retrieval = not self.retrieval
        self._show_status()

    def action_new(self) -> None:
        """Forget the conversation."""
        self.action_stop()
        for turn in self.turns:
            turn.remove()
        self.query_one("#greeting").display = True
        self.action_write()
        self.call_after_refresh(self._show_status)

    def action_passages(self) -> None:
        """The passages behind the last answer that has some."""
        self._open(next((turn for turn in reversed(self.turns) if turn.passages), None))

    def on_turn_passages(self, event: Turn.Passages) -> None:
        """The passages behind one answer."""
        self._open(event.turn)

    def _open(self, turn: Turn | None) -> None:
        from app.tui.dialogs.passage import PassageDialog

        if turn is not None:
            self.app.push_screen(PassageDialog(turn.passages))

    def action_keep(self) -> None:
        """The last answer becomes a case of a suite."""
        if (turn := self._keepable()) is not None:
            self._ask_to_keep(turn)

    def on_turn_kept(self, event: Turn.Kept) -> None:
        """The answer that has the focus becomes one."""
        self._ask_to_keep(event.turn)

    def _keepable(self) -> Turn | None:
        return next((turn for turn in reversed(self.turns) if turn.can_be_kept), None)

    def _ask_to_keep(self, turn: Turn) -> None:
        from app.tui.dialogs.correction import CorrectionDialog

        def corrected(expected: str | None) -> None:
            if expected is not None:
                self._keep(turn.trace, expected)

        self.app.push_screen(CorrectionDialog(turn.question), corrected)

    @work(thread=True, group="suites")
    @shown
    def _keep(self, trace: str, expected: str) -> None:
        told = suite_feed.keep_trace(self._workspace, trace, expected)
        if self.is_attached:
            self.notify(f"Kept in {told}")

    def action_variant(self) -> None:
        """Choose who answers."""
        from app.tui.dialogs.choose import ChooseDialog

        def chosen(variant: str | None) -> None:
            if variant is not None:
                self.variant = variant
                self._show_status()

        views = [run.view for run in self.board.newest_first()]
        self.app.push_screen(
            ChooseDialog("Who answers?", choices(self._workspace, views), self.variant), chosen
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if not self.is_attached:
            return True
        if action == "stop":
            return self.answering
        if action == "leave":
            return not self.answering and isinstance(self.focused, Question)
        if action == "write":
            return not isinstance(self.focused, Question)
        if action == "passages":
            return any(turn.passages for turn in self.turns)
        if action == "keep":
            return self._keepable() is not None
        if action == "new":
            return bool(self.turns)
        return True

    def _show_status(self) -> None:
        line = Content.assemble(
            (self.variant or "no variant", "bold $primary"), "   ", self._retrieval_words()
        )
        if self.answering:
            line += Content.assemble("   ", ("● answering", "$state-running"))
        self.query_one("#chat-status", Static).update(line, layout=False)
        self.refresh_bindings()

    def _retrieval_words(self) -> Content:
        knowledge = self._knowledge()
        if knowledge is None:
            return Content.styled("no knowledge base", "$faint")
        if not self.retrieval:
            return Content.styled("retrieval off", "$quiet")
        return Content.assemble(("retrieval on", "$state-finished"), (f", {knowledge}", "$quiet"))

    def _knowledge(self) -> str | None:
        known = self.variant in self._workspace.config.variants
        own = self._workspace.variant(self.variant).knowledge if known and self.variant else None
        return knowledge_of(self._workspace, self.variant, own)

    def _greeting(self) -> Content:
        who = self.variant or "a model"
        return Content.assemble(
            (f"Talk to {who}\n", "bold"),
            ("Answers come from a server on this machine, started with your first question.\n\n", "$quiet"),
            ("enter   ", "$accent"),
            ("sends; a new line needs shift\n", "$quiet"),
            ("^r      ", "$accent"),
            ("answers from your documents, or without them\n", "$quiet"),
            ("^t      ", "$accent"),
            ("another variant\n", "$quiet"),
            ("^s      ", "$accent"),
            ("keeps the last answer as a case of a suite\n", "$quiet"),
            ("esc     ", "$accent"),
            ("stops the answer; again: leaves the field", "$quiet"),
        )


def choices(workspace: Workspace, views: list[RunView]) -> list[tuple[str, str]]:
    """Everything that can answer: variants, trained and exported runs, models."""
    config = workspace.config
    found = []
    for name in config.variants:
        variant = workspace.variant(name)
        parts = [variant.model or "", f"+ {variant.adapter}" if variant.adapter else ""]
        parts += [f"with {variant.knowledge}" if variant.knowledge else ""]
        found.append((name, " ".join(part for part in parts if part)))
    found += [
        (view.run_id, view.title)
        for view in views
        if view.kind in ("train", "export") and view.state == "finished"
    ]
    found += [
        (name, f"model, {model.path}") for name, model in config.models.items() if name not in config.variants
    ]
    return found
