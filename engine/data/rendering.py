"""Examples become token ids and labels: what is trained is the answer, what is asked carries no loss.

The prompt is tokenised exactly as it will be when served. Labels are -100 wherever no loss is wanted; they
are found from the lengths of rendered prefixes, so no markers in a chat template are needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from tokenizers import Tokenizer

from engine.export.vocabulary import adds_space_of
from engine.models.chat import last_user, render_chat, render_plain, with_system
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, leading_ids, load_tokenizer
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.preview import Mask

IGNORED = -100


class Row(msgspec.Struct):
    """One example as the model sees it: `input_ids` and `labels` of the same length."""

    input_ids: list[int]
    labels: list[int]
    line: int
    cut_tokens: int = 0
    cut_trained: int = 0
    problem: str = ""
    note: str = ""

    @property
    def trained(self) -> int:
        """How many tokens carry loss (the first has no prediction)."""
        return sum(label != IGNORED for label in self.labels[1:])


class Renderer:
    """Renders examples for one base, by its chat template or by a recipe's plain one."""

    def __init__(self, base: ModelDirectory, template: str, system: str, mask: Mask = "assistant") -> None:
        self.tokenizer = load_tokenizer(base.tokenizer_file)
        self.system = system
        self.mask = mask
        self.template = template
        self.chat_template = "" if template else base.chat_template
        self.bos = base.special_token("bos_token")
        self.eos = base.special_token("eos_token")
        check_template(base, template)
        self._spaced = adds_space_of(base.tokenizer_file)
        self._leading = leading_ids(self.tokenizer)
        self._stops = stop_ids(base, self.tokenizer)

    def row(self, example: Example, max_length: int) -> Row:
        """One example as ids and labels, cut at the end to `max_length` tokens."""
        ids: list[int] = []
        labels: list[int] = []
        for text, trained in self.segments(example.messages):
            piece = self._append(ids, text)
            labels += piece if trained else [IGNORED] * len(piece)
            ids += piece
        self._drop_after_stop(ids, labels)
        cut = max(0, len(ids) - max_length)
        cut_trained = sum(label != IGNORED for label in labels[max_length:])
        return Row(ids[:max_length], labels[:max_length], example.line, cut, cut_trained)

    def segments(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        """The conversation's text in pieces, each with whether it carries loss; joined they are the whole."""
        if self.template:
            return self._plain_segments(messages)
        messages = with_system(messages, self.system)
        pieces: list[tuple[str, bool]] = []
        written = ""
        for index, message in enumerate(messages):
            if message.role != "assistant":
                continue
            prompt = self._render(messages[:index], generate=True)
            answered = self._render(messages[: index + 1], generate=False)
            if not prompt.startswith(written) or not answered.startswith(prompt):
                raise UsageError(
                    "The chat template rewrites earlier turns",
                    "A rendered conversation does not begin with its own beginning: no mask can be derived.",
                    "Train on rows with a single answer, or give the recipe a plain template.",
                )
            pieces += [(prompt[len(written) :], False), (answered[len(prompt) :], True)]
            written = answered
        return pieces

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """The text of a question, ready for the model to answer."""
        if self.template:
            return render_plain(self.template, last_user(messages))
        return self._render(with_system(messages, self.system), generate=True)

    def is_special(self, token: int) -> bool:
        """Whether a token is one of the tokenizer's special ones, which no ordinary text becomes."""
        added = self.tokenizer.get_added_tokens_decoder().get(token)
        return added is not None and bool(added.special)

    def _plain_segments(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        answer = messages[-1].content
        before = render_plain(self.template, last_user(messages[:-1]))
        whole = render_plain(self.template, last_user(messages[:-1]), answer) + self.eos
        return [(before, False), (whole[len(before) :], True)]

    def _render(self, messages: Sequence[Message], generate: bool) -> str:
        return render_chat(
            self.chat_template,
            messages,
            add_generation_prompt=generate,
            bos_token=self.bos,
            eos_token=self.eos,
        )

    def _append(self, ids: list[int], text: str) -> list[int]:
        """Ids of `text` after `ids`, such that prompts come out as they do when served."""
        if not ids:
            written = bool(self.bos) and text.startswith(self.bos)
            return ([] if written else self._leading) + encode(self.tokenizer, text)
        if not self._spaced:
            return encode(self.tokenizer, text)
        # A SentencePiece-like tokenizer puts a space before every text, also before the middle of one: so
        # the piece is encoded behind a token that ends a word for certain, and that token is taken off again.
        anchor = encode(self.tokenizer, "\n")
        joined = encode(self.tokenizer, "\n" + text)
        return joined[len(anchor) :] if joined[: len(anchor)] == anchor else encode(self.tokenizer, text)

    def _drop_after_stop(self, ids: list[int], labels: list[int]) -> None:
        """End the row with its last stop token: what a template writes behind it is never generated."""
        for end in range(len(ids) - 1, max(-1, len(ids) - 8), -1):
            if ids[end] in self._stops:
                del ids[end + 1 :], labels[end + 1 :]
                return


def check_template(base: ModelDirectory, template: str) -> None:
    """Raise UsageError where neither the base nor the recipe's `template` says how rows are written."""
    if template:
        render_plain(template, "")
    elif not base.chat_template:
        raise UsageError(
            "Nothing says how a conversation is written for this model",
            f"{base.path} has no chat template and the recipe has no `template`.",
            'Add one to the recipe, for example: template = "{prompt}\\n{completion}"',
        )


def stop_ids(base: ModelDirectory, tokenizer: Tokenizer) -> set[int]:
    """Ids that end an answer: config.json's eos_token_id (one or several) and the tokenizer's eos token."""
    found = base.config.get("eos_token_id")
    ids = found if isinstance(found, list) else [found]
    return {
        token for token in (*ids, tokenizer.token_to_id(base.special_token("eos_token"))) if token is not None
    }
