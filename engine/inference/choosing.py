"""Questions whose answer is the likeliest of given texts: nothing is written, their log-probabilities decide.

Knows prompts and texts, not how a variant makes the one or who judges the other; the figures are those of
engine.inference.choices.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from engine.inference.answers import Answer, Prompt
from engine.inference.choices import PARALLEL, ChoiceScorer, Question
from engine.inference.generate import AdapterSet
from engine.inference.llama import Model, check_fits
from engine.inference.shape import shape_for
from store.records.evals import ChoiceScore
from store.records.traces import Timings


class Choosing(msgspec.Struct):
    """A prompt that was made, the texts to choose from, and what finding its passages took."""

    prompt: Prompt
    choices: Sequence[str]
    per_byte: bool = False
    retrieval_ms: float = 0.0


class Chooser:
    """Chooses over one model with `adapters` on, whose contexts have at most `limit` tokens.

    Close it before the model.
    """

    def __init__(self, model: Model, limit: int, adapters: AdapterSet = ()) -> None:
        self.model = model
        self.limit = limit
        self.adapters = adapters
        self._scorer: ChoiceScorer | None = None

    def continuations(self, prompt: Prompt, choices: Sequence[str]) -> list[list[int]]:
        """The choices as they follow the prompt, as token ids: split as training splits prompt and answer
        (engine.models.pieces). Where the border falls into a token, the choice is read by itself.
        """
        found = []
        for choice in choices:
            whole = self.model.encode_prompt(prompt.text + choice)
            follows = whole[: len(prompt.ids)] == prompt.ids and len(whole) > len(prompt.ids)
            found.append(whole[len(prompt.ids) :] if follows else self._alone(choice))
        return found

    def _alone(self, text: str) -> list[int]:
        """Ids of a text in the middle of another: without the space that SentencePiece puts before a text."""
        if not self.model.writes_spaces_first:
            return self.model.tokenise(text)
        anchor, joined = self.model.tokenise("\n"), self.model.tokenise("\n" + text)
        return joined[len(anchor) :] if joined[: len(anchor)] == anchor else self.model.tokenise(text)

    def check(self, asked: Choosing) -> Question:
        """The question as token ids. Raises UsageError where the model cannot read it."""
        question = Question(asked.prompt.ids, self.continuations(asked.prompt, asked.choices))
        check_fits(_length(question), self.limit)
        return question

    def answers(self, asked: Sequence[Choosing], questions: Sequence[Question]) -> Iterator[Answer]:
        """The answer to each, in order. Raises TemperError where memory does not suffice."""
        if not asked:
            return
        scorer = self._scorer_for(max(map(_length, questions)))
        begin = time.perf_counter()
        scored = list(scorer.scores(questions))
        each = (time.perf_counter() - begin) * 1000 / len(asked)
        for one, question, found in zip(asked, questions, scored, strict=True):
            scores = [
                ChoiceScore(text, float(figures.sum()), len(figures))
                for text, figures in zip(one.choices, found, strict=True)
            ]
            total = round(one.retrieval_ms + each, 3)
            yield Answer(
                likeliest(scores, one.per_byte).text,
                "stop",
                len(question.prompt),
                0,
                hits=one.prompt.hits,
                notices=list(one.prompt.notices),
                timings=Timings(one.retrieval_ms, total, total),
                choices=scores,
            )

    def close(self) -> None:
        """Free the memory."""
        if self._scorer is not None:
            self._scorer.close()
            self._scorer = None

    def _scorer_for(self, needed: int) -> ChoiceScorer:
        if self._scorer is None or self._scorer.size < needed:
            self.close()
            size, parallel = shape_for(self.model, needed, self.limit, PARALLEL)
            self._scorer = ChoiceScorer(self.model, size, parallel, self.adapters)
        return self._scorer


def likeliest(scores: Sequence[ChoiceScore], per_byte: bool = False) -> ChoiceScore:
    """The choice of the highest log-probability; `per_byte`: divided by its length in UTF-8, since a longer
    text is less likely for being longer (the `acc_norm` of EleutherAI's evaluation harness). Of equal ones
    the first.
    """
    return max(scores, key=lambda one: one.logprob / (len(one.text.encode()) if per_byte else 1))


def _length(question: Question) -> int:
    """Tokens of a question with its longest continuation, and one more as `check_fits` has it."""
    return len(question.prompt) + max(map(len, question.continuations))
