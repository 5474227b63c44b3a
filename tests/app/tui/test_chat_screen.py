"""The chat screen with a scripted server: streaming, stopping, retrieval, passages, variants."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.tui.chat_feed import Ending, in_pieces
from app.tui.dialogs.choose import ChooseDialog
from app.tui.dialogs.correction import CorrectionDialog
from app.tui.dialogs.error import ErrorDialog
from app.tui.dialogs.passage import PassageDialog
from app.tui.harmless import Harmless
from app.tui.screens.chat import ChatScreen, Question
from app.tui.widgets.turn import Turn
from engine.evals.suite import load_suite
from store.errors import MissingError
from store.records.data import Message
from store.records.evals import Origin
from store.records.traces import Trace
from store.traces import TraceWriter
from store.workspace import Workspace
from tests.app.tui.stage import ScriptedChat, Staged, dialog, text_of, until

pytestmark = pytest.mark.asyncio


def chat(app: Staged) -> ChatScreen:
    """The screen, known to be the chat."""
    assert isinstance(app.screen, ChatScreen)
    return app.screen


def ended(app: Staged, count: int = 1) -> bool:
    """Whether so many answers are complete."""
    return sum(turn.ending is not None for turn in app.screen.query(Turn)) == count


async def test_an_answer_grows_and_ends_with_its_passages(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat(["Freeze the ", "wallet [1]."]))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        turn = chat(app).turns[0]
        assert turn.answer == "Freeze the wallet [1]."
        assert [(number, cited) for number, _, cited in turn.passages] == [(1, True), (2, False), (3, False)]
        assert "[1] Recovery" in text_of(app, ".notes")


async def test_text_is_on_the_screen_before_the_answer_is_complete(workspace: Workspace) -> None:
    script = ScriptedChat(["Freeze"], hold=True)
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: app.screen.query(Turn) and text_of(app, ".answer") == "Freeze")
        assert chat(app).answering
        script.let_go.set()
        await until(pilot, lambda: ended(app))


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_escape_and_ctrl_c_stop_the_answer_and_keep_what_has_come(
    workspace: Workspace, key: str
) -> None:
    script = ScriptedChat(["Freeze"], hold=True)
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: app.screen.query(Turn) and chat(app).turns[0].answer == "Freeze")
        await pilot.press(key)
        await until(pilot, script.stopped.is_set)
        turn = chat(app).turns[0]
        assert turn.ending == Ending("stopped")
        assert turn.answer == "Freeze"
        assert not chat(app).answering


async def test_later_questions_carry_the_conversation(workspace: Workspace) -> None:
    script = ScriptedChat(["Freeze it."])
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        await pilot.press(*"then", "enter")
        await until(pilot, lambda: ended(app, 2))
    roles = [(message.role, message.content) for message in script.asked[1][1]]
    assert roles == [("user", "lost"), ("assistant", "Freeze it."), ("user", "then")]


async def test_a_new_conversation_forgets_the_old_one(workspace: Workspace) -> None:
    script = ScriptedChat(["Freeze it."])
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not app.screen.query(Turn))
        await pilot.press(*"then", "enter")
        await until(pilot, lambda: ended(app))
    assert len(script.asked[1][1]) == 1


async def test_retrieval_can_be_turned_off(workspace: Workspace) -> None:
    script = ScriptedChat(["Freeze it."])
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3")
        assert "retrieval on, docs" in text_of(app, "#chat-status")
        await pilot.press("ctrl+r", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        assert "retrieval off" in text_of(app, "#chat-status")
        assert chat(app).turns[0].passages == []
    assert [retrieval for _, _, retrieval in script.asked] == [False]


async def test_a_variant_without_a_knowledge_base_says_so(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("3", "ctrl+t")
        await dialog(pilot, ChooseDialog)
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        assert text_of(app, "#chat-status").startswith("base   no knowledge base")


async def test_passages_open_at_the_cited_one_and_can_be_leafed_through(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat(["Freeze it [1]."]))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        await pilot.press("ctrl+o")
        await dialog(pilot, PassageDialog)
        assert "freeze the wallet" in text_of(app, "#passage-text")
        await pilot.press("right")
        assert "Twelve words" in text_of(app, "#passage-text")
        await pilot.press("escape")
        assert isinstance(app.screen, ChatScreen)


async def test_enter_on_an_answer_opens_its_passages(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat(["Freeze it [1]."]))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        await pilot.press("escape")
        assert isinstance(app.focused, Turn)
        await pilot.press("enter")
        await dialog(pilot, PassageDialog)


async def test_an_answer_is_kept_as_a_case_and_remembers_its_request(workspace: Workspace) -> None:
    asked = [Message("user", "lost")]
    writer = TraceWriter(workspace.paths.traces)
    writer.append(Trace("chatcmpl-7", "2026-01-31T12:00:00.000Z", "tuned", asked, "Freeze it."))
    writer.close()
    script = ScriptedChat(["Freeze it."])
    script.trace = "chatcmpl-7"
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        await pilot.press("ctrl+s")
        await dialog(pilot, CorrectionDialog)
        await pilot.press(*"Call", "enter")
        written = workspace.paths.evals / "chat-failures.yaml"
        await until(pilot, written.exists)
        cases = load_suite(written, workspace.root).suite.cases
        assert isinstance(cases, list)
        assert (cases[0].input, cases[0].expected) == ("lost", "Call")
        assert cases[0].origin == Origin(kind="trace", variant="tuned", trace="chatcmpl-7")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        await pilot.press("escape", "a")  # the same, on the answer that has the focus
        await dialog(pilot, CorrectionDialog)
        await pilot.press("enter")
        await dialog(pilot, ErrorDialog)
        assert "a case already" in text_of(app, "#dialog-title")


async def test_an_answer_cannot_command_the_terminal(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat(["\x1b]0;mine\x07ok"]))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        assert text_of(app, ".answer") == "␛]0;mine␇ok"
        assert app.screen.query_one(Turn).answer == "\x1b]0;mine\x07ok"  # what is sent back is what came
        assert any(isinstance(one, Harmless) for one in app.get_line_filters())


async def test_an_answer_whose_request_is_not_known_cannot_be_kept(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat(["Freeze it."]))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await until(pilot, lambda: ended(app))
        assert "ctrl+s" not in app.screen.active_bindings


async def test_a_server_that_cannot_start_is_a_dialog_and_the_chat_goes_on(workspace: Workspace) -> None:
    error = MissingError(
        "The model is not there", "models/tiny.gguf is gone.", "Add it with: temper models add"
    )
    app = Staged(workspace, ScriptedChat([], error=error))
    async with app.run_test() as pilot:
        await pilot.press("3", *"lost", "enter")
        await dialog(pilot, ErrorDialog)
        await pilot.press("escape")
        assert not chat(app).answering
        assert isinstance(app.focused, Question)


async def test_blank_questions_are_not_sent(workspace: Workspace) -> None:
    script = ScriptedChat([])
    app = Staged(workspace, script)
    async with app.run_test() as pilot:
        await pilot.press("3", "space", "enter")
        await pilot.pause()
        assert not app.screen.query(Turn)
    assert script.asked == []


async def test_a_new_line_needs_another_key_than_enter(workspace: Workspace) -> None:
    app = Staged(workspace, ScriptedChat([]))
    async with app.run_test() as pilot:
        await pilot.press("3", "a", "ctrl+j", "b")
        assert app.screen.query_one(Question).text == "a\nb"


async def test_out_of_the_field_the_digits_switch_screens(workspace: Workspace) -> None:
    app = Staged(workspace)
    async with app.run_test() as pilot:
        await pilot.press("3", "2")
        assert app.screen.query_one(Question).text == "2"
        await pilot.press("escape", "1")
        assert not isinstance(app.screen, ChatScreen)


async def test_deltas_are_joined_until_it_is_time_to_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from store.records.serving import ChatDelta

    moments = iter([1.0, 1.0, 1.01, 1.02, 1.2, 1.2])
    # the module's own name, not the clock of the event loop that runs this test
    monkeypatch.setattr("app.tui.chat_feed.time", SimpleNamespace(monotonic=lambda: next(moments)))
    deltas = [ChatDelta(text=letter, trace="chatcmpl-7") for letter in "abcd"]
    deltas.append(ChatDelta(text="", finish_reason="stop", trace="chatcmpl-7"))
    pieces = list(in_pieces(iter(deltas), lambda: False))
    assert [piece.text for piece in pieces] == ["a", "bcd", ""]
    assert pieces[-1].ending is not None
    assert {piece.trace for piece in pieces} == {"chatcmpl-7"}


async def test_a_stream_that_is_stopped_ends_with_what_had_come() -> None:
    from store.records.serving import ChatDelta

    pieces = list(in_pieces(iter([ChatDelta(text="a"), ChatDelta(text="b")]), lambda: True))
    assert [piece.text for piece in pieces] == ["a"]
    assert pieces[0].ending == Ending("stopped")
