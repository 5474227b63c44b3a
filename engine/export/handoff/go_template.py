"""A model's chat template as Ollama's: Go's text/template over `.Messages`.

Ollama reads no Jinja: a template that it does not know by heart is passed over, and the model is asked in
plain text. So what the model's own template writes around each turn is found out by rendering, put together
anew, and proven to give the same text. Tools are not translated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product

import msgspec

from engine.models.chat import render_chat, render_plain
from store.errors import UsageError
from store.records.data import Message

SYSTEM, USER, ANSWER, AGAIN = "Qsystemq", "Quserq", "Qanswerq", "Qagainq"
"""Contents that no template has in it, to find the places of contents by."""
Render = Callable[[Sequence[Message]], str]
_PLACE = "\0"


class Turns(msgspec.Struct):
    """What stands around contents. `opening` is before the first question where there is no system prompt;
    with one, its content stands between the two texts of `system`, which is None where the template takes
    none.
    """

    opening: str
    system: tuple[str, str] | None
    after_user: str
    before_answer: str
    after_answer: str
    generation: str

    def write(self, messages: Sequence[Message]) -> str:
        """What the Go template makes of a conversation: the same steps as in `go`."""
        text, before = "", self.opening
        for message in messages:
            if message.role == "system" and self.system:
                text += self.system[0] + message.content
                before = self.system[1]
            elif message.role == "user":
                text += before + message.content + self.after_user
                before = ""
            elif message.role == "assistant":
                text += self.before_answer + message.content + self.after_answer
        return text + self.generation

    def go(self) -> str:
        """The template in Go's text/template, all texts quoted, so that no white space is trimmed."""
        words = [f"$before := {quoted(self.opening)}", "range .Messages", 'if eq .Role "user"', "$before"]
        words += [".Content", quoted(self.after_user), '$before = ""']
        words += ['else if eq .Role "assistant"', quoted(self.before_answer), ".Content"]
        words += [quoted(self.after_answer)]
        if self.system:
            words += ['else if eq .Role "system"', quoted(self.system[0]), ".Content"]
            words += [f"$before = {quoted(self.system[1])}"]
        words += ["end", "end", quoted(self.generation)]
        return "".join(action(one) for one in words)


def action(words: str) -> str:
    """One action of a Go template."""
    return "{{ " + words + " }}"


def quoted(text: str) -> str:
    """A Go string: JSON's escapes are Go's too. Characters beyond 16 bits stay as they are."""
    return json.dumps(text, ensure_ascii=False)


def translate(template: str, bos: str, eos: str, adds_bos: bool) -> str:
    """A chat template for Ollama. With `adds_bos` BOS is left out: Ollama puts it there itself.

    Raises UsageError where the template does more than write something around each turn.
    """

    def render(messages: Sequence[Message]) -> str:
        text = render_chat(template, messages, add_generation_prompt=True, bos_token=bos, eos_token=eos)
        return text.removeprefix(bos) if adds_bos and bos else text

    turns = find_turns(render)
    for messages in conversations(with_system=turns.system is not None):
        if turns.write(messages) != render(messages):
            raise untranslatable(f"a conversation of {len(messages)} turns comes out differently")
    return turns.go()


def translate_plain(template: str) -> str:
    """A recipe's plain template, `{prompt}` and what stands before the answer, for Ollama."""
    before, _, after = render_plain(template, _PLACE).partition(_PLACE)
    parts = [quoted(before), ".Prompt", quoted(after)]
    return "".join(action(part) for part in parts if part != '""')


def find_turns(render: Render) -> Turns:
    """What `render` writes around contents. Raises UsageError where it moves, repeats or drops them.

    A question is followed by an answer or by the end, so what both begin with is said to follow it; whatever
    stands between an answer and the next question is said to follow the answer.
    """
    user, answer = Message("user", USER), Message("assistant", ANSWER)
    opening, asked = split(render([user]), USER)
    _, middle, between, _ = split(render([user, answer, Message("user", AGAIN)]), USER, ANSWER, AGAIN)
    after_user = asked[: shared_length(asked, middle)]
    try:
        with_system = render([Message("system", SYSTEM), user])
    except UsageError:
        system = None  # the template refuses one, as Gemma's first did
    else:
        before_system, after_system, _ = split(with_system, SYSTEM, USER)
        system = before_system, after_system
    return Turns(
        opening=opening,
        system=system,
        after_user=after_user,
        before_answer=middle[len(after_user) :],
        after_answer=between,
        generation=asked[len(after_user) :],
    )


def shared_length(left: str, right: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, two) in pairs if one != two), min(len(left), len(right)))


def conversations(with_system: bool) -> list[list[Message]]:
    """One to three questions, with a system prompt too; contents of another kind than those probed with."""
    found = []
    for system, count in product((False, True) if with_system else (False,), (1, 2, 3)):
        turns = [Message("system", "Be kind.\nAnswer briefly.")] if system else []
        for at in range(count):
            turns += [Message("user", f"More {at}? {{}} <b>"), Message("assistant", f"Yes, {at}.\nSo it is.")]
        found.append(turns[:-1])
    return found


def split(text: str, *contents: str) -> list[str]:
    """What stands before, between and behind the contents. Raises UsageError unless each is there once."""
    parts = []
    for content in contents:
        if text.count(content) != 1:
            raise untranslatable("it drops, repeats or moves what was said")
        before, _, text = text.partition(content)
        parts.append(before)
    return [*parts, text]


def untranslatable(reason: str) -> UsageError:
    """The template cannot be written in Ollama's language."""
    return UsageError(
        "The chat template cannot be translated for Ollama",
        f"It does more than write something around each turn: {reason}.",
        "Serve the file with: temper serve, llama-server or LM Studio, which read the template in the file.",
    )
