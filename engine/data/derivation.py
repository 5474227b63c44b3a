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
            derived = Derived(prompt, self._through(written) or written, ids[:end])
        else:
            derived = self._with_stop(prompt, written, ids, answer.message)
        self._prove(answer, derived.text, derived.ids)
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
        which = "Some earlier answers carry no loss" if spans else "Only the last answer carries loss"
        return spans, f"{which}: {reasons[0]}"

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
        written = self._through(written) or self._with_next(last, answer, written)
        if not last.prompt.text.startswith(written, len(answer.prompt)):
            raise Unprovable("the chat template rewrites earlier turns.")
        found = self._encoder.inside(last.prompt, answer.prompt, written)
        if found is None:
            raise Unprovable("its prompt has other tokens here than when it is served.")
        begin, end = found
        self._prove(answer, written, last.prompt.ids[begin:end])
        return begin, end

    def _written(self, answer: Answer) -> str:
        """What follows the prompt. Raises Unprovable where that is not what the model would have to say."""
        self._check_stops(answer.message)
        if answer.answered.startswith(answer.prompt):
            return answer.answered[len(answer.prompt) :]
        common = common_start(answer.prompt, answer.answered)
        opening, content = answer.prompt[common:], answer.message.content
        stopped = self._through(answer.answered[common:])
        for spelled in self._spelled.values():
            if spelled and stopped.endswith(spelled) and content.startswith(opening):
                # the prompt opens the reasoning, which the template cuts out of answers it has been given
                return content[len(opening) :] + spelled
        raise Unprovable(
            f"The prompt that is served ends with {opening!r}, and the template does not write the answer "
            "behind that: what is asked would not be what was trained."
        )

    def _check_stops(self, message: Message) -> None:
        said = [message.content, *(call.arguments for call in message.tool_calls)]
        for spelled in self._spelled.values():
            if spelled and any(spelled in text for text in said):
                raise Unprovable(f"The answer spells the stop token {spelled}: generation would end there.")

    def _end(self, ids: list[int]) -> int:
        """How many ids there are up to the first stop token; 0 where there is none."""
        return next((at + 1 for at, token in enumerate(ids) if token in self._stops), 0)

    def _through(self, written: str) -> str:
        """The text up to the end of the first stop token that it spells; empty where it spells none."""
        found = [(written.find(one), -len(one)) for one in self._spelled.values() if one and one in written]
        if not found:
            return ""
        start, length = min(found)
        return written[: start - length]

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

    def _with_next(self, last: Derived, answer: Answer, written: str) -> str:
        """The text with the stop token that the next turn begins with: some templates end no turn."""
        behind = len(answer.prompt) + len(written)
        for spelled in self._spelled.values():
            if spelled and last.prompt.text.startswith(spelled, behind):
                return written + spelled
        raise Unprovable("no stop token follows it.")

    def _prove(self, answer: Answer, text: str, ids: list[int]) -> None:
        if not self._texts.says(ids, text):
            raise Unprovable("The tokenizer cannot write the answer: read back, its tokens say another text.")
        lost = lost_part(answer.message, text, answer.prompt)
        if lost:
            raise Unprovable(f"The chat template leaves out {lost}.")


def common_start(left: str, right: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = zip(left, right, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))
