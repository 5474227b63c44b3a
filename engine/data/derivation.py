"""Where answers stand in a row's ids, derived from the lengths of rendered prefixes and proven.

An answer carries loss only if all of this holds; else it is unprovable, and why is said:

    served    the ids before it are those of its prompt as it will be served
    whole     its ids, read back, are what the template wrote for it, and that holds all that the turn says
    stopped   it ends with the first token that ends a generation, which carries loss
    apart     nothing else lies in its range: it begins where the prompt ends and ends at that token

Knows nothing of templates: texts come in rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from engine.data.proof import lost_part, spells
from engine.models.pieces import PieceEncoder, Prompt
from engine.models.token_texts import TokenTexts
from store.records.data import Message


class Unprovable(Exception):
    """An answer for which the proof fails; the message is a sentence for people."""


class Answer(msgspec.Struct):
    """Turn `index` as it was rendered: the `prompt` before it, and all up to its end (`answered`)."""

    index: int
    prompt: str
    answered: str
    message: Message


class Derived(msgspec.Struct):
    """The last answer with its prompt: `ids` of `text`, up to its stop token. `span` is its range of ids."""

    prompt: Prompt
    text: str
    ids: list[int]
    note: str = ""

    @property
    def span(self) -> tuple[int, int]:
        """First id of the answer, and the one behind its stop token."""
        begin = len(self.prompt.ids)
        return begin, begin + len(self.ids)


class Derivation:
    """Derives for one tokenizer and its stop tokens."""

    def __init__(self, encoder: PieceEncoder, texts: TokenTexts, stops: set[int], eos: str) -> None:
        self._encoder, self._texts, self._stops, self._eos = encoder, texts, stops, eos
        added = encoder.tokenizer.get_added_tokens_decoder()
        self._special = {token for token, one in added.items() if one.special}
        self._spelled = {token: texts.spelled([token]) for token in stops}

    def last(self, answer: Answer) -> Derived:
        """The answer that ends the row. Raises Unprovable."""
        written = self._written(answer)
        prompt = self._encoder.prompt(answer.prompt)
        ids = self._encoder.answer(prompt, written)
        end = self._end(ids)
        if end:
            derived = Derived(prompt, self._through(written, ids[end - 1]), ids[:end])
        else:
            derived = self._with_stop(prompt, written, ids, answer.message)
        self._prove(derived.text, derived.ids, answer.message)
        return derived

    def earlier(self, last: Derived, answers: Iterable[Answer | None]) -> tuple[list[tuple[int, int]], str]:
        """Ranges of the earlier answers that can be proven in the same row, and a note on the others."""
        spans: list[tuple[int, int]] = []
        reasons: list[str] = []
        for answer in answers:
            try:
                spans.append(self._inside(last, answer))
            except Unprovable as error:
                reasons.append(str(error))
        if not reasons:
            return spans, ""
        count = f"{len(reasons)} of {len(reasons) + len(spans) + 1} answers carry no loss: "
        return spans, count + reasons[0]

    def check_prompt(
        self, last: Derived, turns: Sequence[Message], ignores: Callable[[int, int], bool]
    ) -> None:
        """Raise Unprovable where the template leaves a turn before the answer out.

        `ignores(index, before)` says whether the prompt of the first `before` turns is the same without it.
        """
        for index, turn in enumerate(turns):
            if turn.role == "assistant" or spells(last.prompt.text, turn.content):
                continue
            if ignores(index, len(turns)):
                raise Unprovable(
                    f"The chat template leaves out turn {index + 1} ({turn.role}): the answer would be "
                    "trained without what it rests on."
                )

    def _inside(self, last: Derived, answer: Answer | None) -> tuple[int, int]:
        if answer is None:
            raise Unprovable("the chat template refuses the conversation up to there.")
        if not last.prompt.text.startswith(answer.prompt):
            raise Unprovable("the chat template rewrites earlier turns.")
        written = self._written(answer)
        found = self._encoder.inside(last.prompt, answer.prompt, written)
        if found is None:
            raise Unprovable("its prompt has other tokens here than when it is served.")
        begin, ids = found
        end = self._end(ids)
        if not end:
            raise Unprovable("no stop token follows it.")
        if last.prompt.ids[begin : begin + end] != ids[:end]:
            raise Unprovable("the chat template rewrites earlier turns.")
        self._prove(self._through(written, ids[end - 1]), ids[:end], answer.message)
        return begin, begin + end

    def _written(self, answer: Answer) -> str:
        """What the template writes for an answer behind its prompt."""
        if not answer.answered.startswith(answer.prompt):
            raise Unprovable(
                "The answered conversation does not begin with the prompt that is served, so no mask can be "
                "derived: the chat template writes turns and prompts differently."
            )
        for token, spelled in self._spelled.items():
            if spelled and spelled in answer.message.content:
                raise Unprovable(f"The answer spells the stop token {spelled}: generation would end there.")
            if any(spelled and spelled in call.arguments for call in answer.message.tool_calls):
                raise Unprovable(f"A tool call spells the stop token {spelled} (id {token}).")
        return answer.answered[len(answer.prompt) :]

    def _end(self, ids: list[int]) -> int:
        """How many ids there are up to the first stop token; 0 where there is none."""
        return next((at + 1 for at, token in enumerate(ids) if token in self._stops), 0)

    def _through(self, written: str, stop: int) -> str:
        """The text up to the end of the first `stop`."""
        spelled = self._spelled[stop]
        return written[: written.find(spelled) + len(spelled)] if spelled in written else written

    def _with_stop(self, prompt: Prompt, written: str, ids: list[int], message: Message) -> Derived:
        """An answer behind which the template writes no token that the model's files call a stop."""
        spoken = written.rfind(message.content.strip()) + len(message.content.strip())
        for at, token in enumerate(ids):
            name = self._texts.spelled([token])
            if token in self._special and name and name not in message.content and name in written[spoken:]:
                text = written[: written.find(name, spoken) + len(name)]
                note = f"Answers end with {name}, which the model's config does not name as a stop token."
                return Derived(prompt, text, ids[: at + 1], note)
        end = self._encoder.tokenizer.token_to_id(self._eos) if self._eos else None
        if end is None:
            raise Unprovable("Nothing ends the answer: neither the template nor the model has a stop token.")
        note = f"The chat template ends answers with no stop token: {self._eos} is put behind the last one."
        return Derived(prompt, written + self._eos, [*ids, end], note)

    def _prove(self, text: str, ids: list[int], message: Message) -> None:
        if not self._texts.says(ids, text):
            raise Unprovable("The tokenizer cannot write the answer: read back, its tokens say another text.")
        lost = lost_part(message, text)
        if lost:
            raise Unprovable(f"The chat template leaves out {lost}.")
