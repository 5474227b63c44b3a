"""How likely given continuations of a prompt are: multiple choice, and judges that answer with a word.

Only the scores that are asked for are computed: those behind the prompt and, of longer continuations, behind
each of their tokens. What prompts share is read once and copied. A prompt is read as it is by itself, so the
figures are those of one at a time. Knows tokens, not texts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from engine.inference.generate import AdapterSet
from engine.inference.llama import Model, check_fits, common_prefix
from engine.inference.lora import AdapterShelf
from engine.inference.sampler import log_softmax
from engine.inference.sequences import Piece, Sequences

PARALLEL = 16
"""Questions computed together."""
OUTPUTS = 64
"""Rows of scores that a step can have."""
WORTH_SHARING = 16
"""Tokens in common below which a prompt is read anew."""


class Question(msgspec.Struct):
    """A prompt and what may follow it, as token ids; no continuation is empty."""

    prompt: Sequence[int]
    continuations: Sequence[Sequence[int]]


class ChoiceScorer:
    """Scores continuations over one model with `adapters` on, in questions of at most `size` tokens each.

    Close it before the model. Raises TemperError where memory does not suffice, UsageError where an adapter
    does not fit.
    """

    def __init__(self, model: Model, size: int, parallel: int = PARALLEL, adapters: AdapterSet = ()) -> None:
        self.size = size
        shelf = AdapterShelf(model)
        for path, _ in adapters:
            shelf.load(path)
        self._sequences = Sequences(model, size, parallel, outputs=max(OUTPUTS, parallel))
        shelf.put_on(self._sequences.handle, adapters)

    def scores(self, questions: Iterable[Question]) -> Iterator[list[npt.NDArray[np.float32]]]:
        """Of each question, in order: the log-probability of every token of each continuation.

        The sum of an array is the log-probability of its continuation. Raises UsageError for a question that
        does not fit.
        """
        coming = iter(questions)
        while window := list(itertools.islice(coming, self._sequences.count)):
            yield from self._window(window)

    def close(self) -> None:
        """Free the memory."""
        self._sequences.close()

    def _window(self, window: list[Question]) -> list[list[npt.NDArray[np.float32]]]:
        found: list[list[npt.NDArray[np.float32]]] = []
        for sequence, question in enumerate(window):
            longest = max((len(one) for one in question.continuations), default=0)
            check_fits(len(question.prompt) + longest - 1, self.size)
            first = self._read(sequence, question.prompt)
            found.append([first[list(one[:1])] for one in question.continuations])
        self._score_rest(window, found)
        return found

    def _read(self, sequence: int, prompt: Sequence[int]) -> npt.NDArray[np.float32]:
        """Make a sequence hold a prompt; the log-probabilities [vocabulary] behind it."""
        self._share(sequence, prompt)
        sequences = self._sequences
        while (at := len(sequences.held[sequence])) < len(prompt):
            ids = prompt[at : at + sequences.batch_size]
            if at + len(ids) == len(prompt) - 1:
                ids = ids[:-1]  # one token left over would be computed by another kernel
            sequences.decode([Piece(sequence, ids, at + len(ids) == len(prompt))])
        return log_softmax(sequences.row(len(ids) - 1))

    def _share(self, sequence: int, prompt: Sequence[int]) -> None:
        """Keep or copy what is known of a prompt, all but its last two tokens at most."""
        sequences = self._sequences
        wanted = list(prompt[:-2])
        own = common_prefix(sequences.held[sequence], wanted)
        others = range(sequences.count) if sequences.can_share else range(0)
        best = max(others, key=lambda one: common_prefix(sequences.held[one], wanted), default=sequence)
        shared = common_prefix(sequences.held[best], wanted)
        if shared >= own + WORTH_SHARING:
            sequences.copy(best, sequence, shared)
        else:
            sequences.cut(sequence, own if own >= WORTH_SHARING else 0)

    def _score_rest(self, window: list[Question], found: list[list[npt.NDArray[np.float32]]]) -> None:
        """Add the tokens behind the first, those of continuations of one length together."""
        rest = [
            (len(one), sequence, place)
            for sequence, question in enumerate(window)
            for place, one in enumerate(question.continuations)
            if len(one) > 1
        ]
        rounds: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for length, group in itertools.groupby(sorted(rest), key=lambda one: one[0]):
            seen: dict[int, int] = {}  # a sequence has one continuation in a step
            for _, sequence, place in group:
                turn = seen[sequence] = seen.get(sequence, -1) + 1
                rounds.setdefault((length, turn), []).append((sequence, place))
        for (length, _), members in sorted(rounds.items()):
            most = max(1, min(self._sequences.outputs // (length - 1), self._sequences.batch_size // length))
            for at in range(0, len(members), most):
                self._score_step(window, members[at : at + most], length, found)

    def _score_step(
        self,
        window: list[Question],
        members: list[tuple[int, int]],
        length: int,
        found: list[list[npt.NDArray[np.float32]]],
    ) -> None:
        """Continuations of one length behind their prompts' last token, which is computed again with them."""
        sequences, pieces = self._sequences, []
        for sequence, place in members:
            prompt, continuation = window[sequence].prompt, window[sequence].continuations[place]
            if sequences.cut(sequence, len(prompt) - 1) < len(prompt) - 1:
                self._read(sequence, prompt[:-1])
            ids = [prompt[-1], *continuation[:-1]]
            pieces.append(Piece(sequence, ids, [False] + [True] * (length - 1)))
        sequences.decode(pieces)
        for number, (sequence, place) in enumerate(members):
            continuation = window[sequence].continuations[place]
            rows = [
                log_softmax(sequences.row(number * length + at))[continuation[at]] for at in range(1, length)
            ]
            found[sequence][place] = np.append(found[sequence][place], np.array(rows, dtype=np.float32))
