"""An answer under way, as whoever asked sees it: deltas as they come, and at the end the whole.

Knows its generation and its prompt, not who computes the one or made the other.
"""

from __future__ import annotations

from engine.inference.answers import Answer, Prompt
from engine.inference.generate import Generation
from engine.inference.llama import Model
from engine.inference.sampler import TokenScore
from engine.inference.structured.structure import Structure, judged
from engine.retrieval.prompt import cite
from engine.retrieval.support import check_support
from store.records.data import ToolCall
from store.records.serving import ChatDelta, TokenLogprob
from store.records.traces import Timings


class Answering:
    """`deltas` gives what has come since it was last asked; `done` when there will be no more.

    `retrieval_ms` is what finding the passages took. `spaced`: the first word comes with a space before it
    that is not part of the answer. A complete answer is judged by its `structure`.
    """

    def __init__(
        self,
        generation: Generation,
        prompt: Prompt,
        retrieval_ms: float,
        spaced: bool,
        structure: Structure | None = None,
    ) -> None:
        self.generation = generation
        self.done = False
        self._prompt = prompt
        self._retrieval_ms = retrieval_ms
        self._spaced = spaced
        self._structure = structure
        self._said = structure.said() if structure is not None and structure.said is not None else None
        self._text = ""
        self._last: ChatDelta | None = None

    def deltas(self) -> list[ChatDelta]:
        """New text, and behind it the end. Raises the TemperError that ended the answer."""
        generation = self.generation
        if generation.failure is not None:
            self.done = True
            raise generation.failure
        text = generation.take()
        if text and self._spaced and not self._text:
            text = text.removeprefix(" ")
            self._spaced = False
        self._text += text
        if self._said is not None:
            text = self._said.feed(text)
        found = [self._delta(text)] if text else []
        if generation.finish_reason is not None and not self.done:
            self.done = True
            self._last = self._end(generation)
            rest = self._last.answer[self._said.shown :] if self._said is not None else ""
            found += [self._delta(rest)] if rest else []
            self._last.logprobs = self._delta("").logprobs
            found.append(self._last)
        return found

    def answer(self) -> Answer:
        """The whole, once it is done."""
        last = self._last
        assert last is not None  # asked for before `done`
        return Answer(
            last.answer,
            last.finish_reason or "stopped",
            last.prompt_tokens,
            last.completion_tokens,
            last.citations,
            last.hits,
            last.notices,
            last.timings or Timings(),
            self.generation.scores,
            invalid=last.invalid,
            tool_calls=last.tool_calls,
        )

    def cancel(self) -> None:
        """Nobody wants the rest."""
        self.generation.cancel()

    def _delta(self, text: str) -> ChatDelta:
        """Some text, with the figures of the tokens that came with it."""
        model = self.generation.model
        scores = self.generation.take_scores()
        return ChatDelta(text, logprobs=[token_logprob(model, one) for one in scores])

    def _end(self, generation: Generation) -> ChatDelta:
        answer, citations = cite(self._text, self._prompt.hits)
        notices = list(self._prompt.notices)
        invalid, calls = "", list[ToolCall]()
        if self._structure is not None:
            answer = self._text  # as it was judged: a number in brackets is content here
            invalid = judged(self._structure, answer, generation.finish_reason == "stop")
            notices += [invalid] if invalid else []
            notices += self._structure.notes
            if self._structure.calls is not None and not invalid:
                calls = self._structure.calls(answer)
                answer = self._structure.beside(answer) if calls else answer
        if generation.overflow:
            notices.append(
                f"The answer was cut: with {generation.prompt_tokens:,} tokens of question and "
                f"{generation.completion_tokens:,} of answer the model's context is full."
            )
        checked = []
        if self._structure is None:
            passages = [f"{hit.title}\n{hit.text}" for hit in self._prompt.hits]
            by_overlap = [one.n for one in citations if one.by == "overlap"]
            checked = check_support(answer, passages, cited_by_default=by_overlap)
        total = self._retrieval_ms + generation.milliseconds
        return ChatDelta(
            finish_reason=generation.finish_reason,
            answer=answer,
            citations=citations,
            support=checked,
            hits=self._prompt.hits,
            notices=notices,
            timings=Timings(self._retrieval_ms, round(generation.first_token_ms, 3), round(total, 3)),
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            invalid=invalid,
            tool_calls=calls,
        )


def token_logprob(model: Model, score: TokenScore) -> TokenLogprob:
    """A token's figures with its text and bytes."""

    def one(token: int, logprob: float) -> TokenLogprob:
        piece = model.piece(token)
        return TokenLogprob(piece.decode("utf-8", errors="replace"), logprob, list(piece))

    told = one(score.token, score.logprob)
    told.top = [one(token, logprob) for token, logprob in score.top]
    return told
