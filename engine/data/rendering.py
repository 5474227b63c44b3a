"""Examples become token ids and labels: what is trained is the answer, what is asked carries no loss.

The prompt is tokenised exactly as it will be when served. Labels are -100 wherever no loss is wanted; they
are found from the lengths of rendered prefixes, so no markers in a chat template are needed, and proven on
every row (engine.data.proof). Training, checks and previews all render here. Loads no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec
from tokenizers import Tokenizer

from engine.data.derivation import Answer, Derivation, Unprovable
from engine.data.masks import answers_with_loss
from engine.export.vocabulary import adds_space_of
from engine.models.chat import last_user, render_chat, render_plain, with_system
from engine.models.directory import ModelDirectory
from engine.models.pieces import PieceEncoder, Prompt
from engine.models.token_texts import TokenTexts
from engine.models.tokenizer import load_tokenizer
from engine.models.turns import Tool, tool_name, tools_of
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.preview import Mask

IGNORED = -100
PLAIN_NOTE = "A plain template holds the last question and its answer: other turns are left out."


class Row(msgspec.Struct):
    """One example as the model sees it: `input_ids` and `labels` of the same length.

    `cut_tokens` were cut off at the end, `cut_trained` of them with loss. `problem` says why nothing of the
    row can be trained (no label then), or is empty; `note` says what is not trained though the mask asks.
    """

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
        predicted = self.labels[1:]
        return len(predicted) - predicted.count(IGNORED)


class Rendered(msgspec.Struct):
    """A whole row before anything is cut. `prompt_ids` of `prompt` and `answer_ids` of `answer` are its ids.

    `spans` are the ranges of ids that carry loss. `leading` ids stand before the prompt's text.
    """

    prompt: str
    prompt_ids: list[int]
    leading: int
    answer: str = ""
    answer_ids: list[int] = []
    spans: list[tuple[int, int]] = []
    problem: str = ""
    note: str = ""

    @property
    def ids(self) -> list[int]:
        """All ids."""
        return self.prompt_ids + self.answer_ids


class Renderer:
    """Renders examples for one base, by its chat template or by a recipe's plain one.

    A row of any kind but text is written by the template there is: prompts and completions too, so that a
    variant asks as was trained. A base without a chat template needs a plain one for them.
    """

    def __init__(self, base: ModelDirectory, template: str, system: str, mask: Mask = "assistant") -> None:
        self.tokenizer = load_tokenizer(base.tokenizer_file)
        self.system = system
        self.mask = mask
        self.template = template
        self.chat_template = "" if template else base.chat_template
        self.bos = base.special_token("bos_token")
        self.eos = base.special_token("eos_token")
        if template:
            check_template(base, template)
        self._base = base
        self.texts = TokenTexts(self.tokenizer)
        self.stops = stop_ids(base, self.tokenizer)
        self._encoder = PieceEncoder(self.tokenizer, self.bos, adds_space_of(base.tokenizer_file))
        self._derivation = Derivation(self._encoder, self.texts, self.stops, self.eos)

    def row(self, example: Example, max_length: int) -> Row:
        """One example as ids and labels, cut at the end to `max_length` tokens.

        Of a preference the chosen ending. Never raises for what stands in the example: see `Row.problem`.
        """
        return cut(self.render(example), example.line, max_length)

    def pair(self, example: Example, max_length: int) -> tuple[Row, Row]:
        """A preference as (chosen, rejected). Only the endings carry loss, whatever the mask."""
        chosen, rejected = (
            cut(self.render(one, "completion"), example.line, max_length) for one in endings(example)
        )
        return chosen, rejected

    def render(self, example: Example, mask: Mask | None = None) -> Rendered:
        """One example whole, masked by `mask` or as the renderer is; of a preference the ending alone."""
        mask = mask or ("completion" if example.rejected else self.mask)
        try:
            if example.text and not example.messages:
                return self._document(example.text)
            if self.template:
                return self._plain(example, mask)
            return self._chat(example, mask)
        except (UsageError, Unprovable) as error:
            return self._untrained(example, str(error))

    def text(self, example: Example) -> str:
        """All that a row says, as text. Raises UsageError where it cannot be written."""
        if example.text and not example.messages:
            return example.text
        if self.template:
            asked, answer = self._plain_texts(example.messages)
            return asked + answer
        messages = with_system(example.messages, self.system)
        return self._write(messages, tools_of(example.tools), generate=False)

    def prompt_text(self, messages: Sequence[Message], tools: str = "") -> str:
        """The text of a question, ready for the model to answer. Raises UsageError where it is refused."""
        if self.template:
            return render_plain(self.template, last_user(messages))
        return self._write(with_system(messages, self.system), tools_of(tools), generate=True)

    def is_special(self, token: int) -> bool:
        """Whether a token is one of the tokenizer's special ones, which no ordinary text becomes."""
        return token in self.special

    @cached_property
    def special(self) -> set[int]:
        """The ids of the tokenizer's special tokens."""
        added = self.tokenizer.get_added_tokens_decoder()
        return {token for token, one in added.items() if one.special}

    def _document(self, text: str) -> Rendered:
        """A text for continued pretraining: every token carries loss, the end of the text too."""
        prompt = self._encoder.prompt(text)
        rendered = Rendered(text, prompt.ids, prompt.leading)
        end = self.tokenizer.token_to_id(self.eos) if self.eos else None
        if end is None:
            rendered.problem = "The model has no token that ends a text (eos_token)."
            return rendered
        if not self.texts.says(prompt.ids[prompt.leading :], text):
            rendered.problem = "The tokenizer cannot write this text: read back, its tokens say another."
            return rendered
        if prompt.ids[-1:] != [end]:
            rendered.answer, rendered.answer_ids = self.eos, [end]
        rendered.spans = [(0, len(rendered.ids))]
        return rendered

    def _plain_texts(self, messages: Sequence[Message]) -> tuple[str, str]:
        answer = messages[-1].content if messages else ""
        before = render_plain(self.template, last_user(messages[:-1]))
        whole = render_plain(self.template, last_user(messages[:-1]), answer)
        return before, whole[len(before) :] + self.eos

    def _plain(self, example: Example, mask: Mask) -> Rendered:
        messages = example.messages
        if not messages or messages[-1].role != "assistant":
            raise Unprovable("Its last turn is not the assistant's: there is no answer to train on.")
        if messages[-1].tool_calls:
            raise Unprovable("A plain template has no place for tool calls.")
        asked, answer = self._plain_texts(messages)
        wanted = Answer(len(messages) - 1, asked, asked + answer, messages[-1])
        derived = self._derivation.last(wanted)
        rendered = self._rendered(derived.prompt, derived.text, derived.ids)
        trained = answers_with_loss(messages, mask, example.prompt_turns)
        self._label(rendered, mask, [] if len(messages) - 1 not in trained else [derived.span])
        left = sum(message.role != "system" for message in messages) - 2
        if left > 0 or messages[0].role == "system":
            rendered.note = PLAIN_NOTE
        return rendered

    def _chat(self, example: Example, mask: Mask) -> Rendered:
        check_template(self._base, self.template)
        messages, tools = with_system(example.messages, self.system), tools_of(example.tools)
        shift = len(messages) - len(example.messages)
        wanted = answers_with_loss(example.messages, mask, example.prompt_turns)
        if not wanted:
            raise Unprovable(no_answer(example.messages))
        indices = [index + shift for index in wanted]
        answers = _Answers(self, messages, tools)
        derived = self._derivation.last(answers.at(indices[-1]))
        rendered = self._rendered(derived.prompt, derived.text, derived.ids)
        spans, missed = self._derivation.earlier(derived, map(answers.attempt, indices[:-1]))
        self._derivation.check_prompt(derived, messages[: indices[-1]], answers.ignores)
        self._label(rendered, mask, [*spans, derived.span])
        notes = [note for note in (derived.note, missed) if note]
        if not all(tool_name(tool) in derived.prompt.text for tool in tools):
            notes.append("The chat template leaves out the tools on offer: the model does not see them.")
        if len(messages) > indices[-1] + 1:
            notes.append("Turns behind the last answer with loss are left out.")
        rendered.note = " ".join(notes)
        return rendered

    def _label(self, rendered: Rendered, mask: Mask, spans: list[tuple[int, int]]) -> None:
        if mask == "whole":
            rendered.spans = [(0, len(rendered.ids))]
        elif spans:
            rendered.spans = spans
        else:
            raise Unprovable("Its answer has weight 0: nothing of it carries loss.")

    def _rendered(self, prompt: Prompt, text: str, ids: list[int]) -> Rendered:
        return Rendered(prompt.text, prompt.ids, prompt.leading, text, ids)

    def _untrained(self, example: Example, problem: str) -> Rendered:
        """A row that cannot be trained, as far as it can be shown."""
        try:
            prompt = self._encoder.prompt(self.text(example))
        except UsageError:
            return Rendered("", [], 0, problem=problem)
        return Rendered(prompt.text, prompt.ids, prompt.leading, problem=problem)

    def _write(self, messages: Sequence[Message], tools: Sequence[Tool], generate: bool) -> str:
        return render_chat(
            self.chat_template,
            messages,
            add_generation_prompt=generate,
            bos_token=self.bos,
            eos_token=self.eos,
            tools=tools,
        )


class _Answers:
    """The prefixes of one conversation as the template writes them."""

    def __init__(self, renderer: Renderer, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        self._write, self._messages, self._tools = renderer._write, messages, tools

    def at(self, index: int) -> Answer:
        """The prompt before turn `index` and the conversation up to its end. Raises UsageError."""
        prompt = self._write(self._messages[:index], self._tools, generate=True)
        answered = self._write(self._messages[: index + 1], self._tools, generate=False)
        return Answer(index, prompt, answered, self._messages[index])

    def attempt(self, index: int) -> Answer | None:
        """`at`; None where the template refuses so short a conversation."""
        try:
            return self.at(index)
        except UsageError:
            return None

    def ignores(self, index: int, before: int) -> bool:
        """Whether the prompt of the first `before` turns is the same whatever turn `index` says."""
        other = msgspec.structs.replace(self._messages[index], content="\u2042 another content")
        changed = [*self._messages[:index], other, *self._messages[index + 1 : before]]
        asked = self._write(self._messages[:before], self._tools, generate=True)
        return asked == self._write(changed, self._tools, generate=True)


def endings(example: Example) -> tuple[Example, Example]:
    """A preference's two endings as two examples: the chosen and the rejected."""
    prompt = example.prompt_turns or max(len(example.messages) - 1, 0)
    rejected = [*example.messages[:prompt], *example.rejected]
    chosen = msgspec.structs.replace(example, prompt_turns=prompt)
    return chosen, msgspec.structs.replace(example, prompt_turns=prompt, messages=rejected)


def cut(rendered: Rendered, line: int, max_length: int) -> Row:
    """A rendered row as ids and labels of at most `max_length` tokens."""
    ids = rendered.ids
    labels = [IGNORED] * len(ids)
    for begin, end in rendered.spans:
        labels[begin:end] = ids[begin:end]
    kept = Row(ids[:max_length], labels[:max_length], line, note=rendered.note, problem=rendered.problem)
    kept.cut_tokens = max(0, len(ids) - max_length)
    kept.cut_trained = kept.cut_tokens - labels[max_length:].count(IGNORED)
    if not kept.problem and not kept.trained:
        kept.problem = f"No token is left to train on: its answer begins behind {max_length} tokens."
        kept.labels = [IGNORED] * len(kept.labels)
    return kept


def no_answer(messages: Sequence[Message]) -> str:
    """Why a conversation has no answer that carries loss."""
    if any(message.role == "assistant" for message in messages):
        return "No answer carries loss: the mask leaves out every one, or all have weight 0."
    return "It has no turn of the assistant: there is no answer to train on."


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
    """Ids that end an answer: eos_token_id (one or several) of config.json and of generation_config.json,
    and the tokenizer's eos token.
    """
    named = (base.config.get("eos_token_id"), base.generation_config.get("eos_token_id"))
    ids = [token for found in named for token in (found if isinstance(found, list) else [found])]
    ids.append(tokenizer.token_to_id(base.special_token("eos_token")))
    return {token for token in ids if token is not None}
