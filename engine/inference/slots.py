"""Where answers are computed: a sequence each, and what is known of a prompt copied from another.

A slot that has no answer keeps what it holds: the next question may begin the same way. What was read with
other adapters is not the same. Does not know when llama.cpp is called.
"""

from __future__ import annotations

from engine.inference.generate import AdapterSet, Generation
from engine.inference.llama import common_prefix
from engine.inference.sequences import Sequences

WORTH_COPYING = 16
"""Tokens in common below which a prompt is read anew: a copy is one of a whole sequence's memory."""
WORTH_WAITING = 32
"""A prompt waits for another that is being read where they share so many tokens that are not read yet."""


class Slot:
    """A sequence, and the answer that is written on it; `adapters` are those that it was read with."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.adapters: AdapterSet = ()
        self.generation: Generation | None = None
        self.last_used = 0


class Slots:
    """The slots over a context's sequences."""

    def __init__(self, sequences: Sequences) -> None:
        self._sequences = sequences
        self._all = [Slot(number) for number in range(sequences.count)]
        self._clock = 0

    @property
    def live(self) -> list[Slot]:
        """Those with an answer, in the order of their sequences."""
        return [slot for slot in self._all if slot.generation is not None]

    def held(self, slot: Slot) -> list[int]:
        """The tokens that a slot holds."""
        return self._sequences.held[slot.sequence]

    def should_wait(self, generation: Generation) -> bool:
        """Whether another answer is just reading much of the same prompt, which can then be copied."""
        ids, adapters = generation.request.ids, generation.request.adapters
        return self._sequences.can_share and any(
            slot.adapters == adapters
            and slot.generation is not None
            and len(self.held(slot)) < slot.generation.prompt_tokens
            and common_prefix(slot.generation.request.ids, ids) >= len(self.held(slot)) + WORTH_WAITING
            for slot in self.live
        )

    def place(self, generation: Generation) -> bool:
        """Give an answer a slot that holds what is known of its prompt; False while none is free."""
        idle = sorted((slot for slot in self._all if slot.generation is None), key=self._age)
        if not idle:
            return False
        source, shared = self._best(generation)
        if source in idle and (len(idle) == 1 or 2 * shared > len(self.held(source))):
            target = source
        else:
            target = next(slot for slot in idle if slot is not source)
            if shared >= WORTH_COPYING:
                self._sequences.copy(source.sequence, target.sequence, shared)
            else:
                shared = 0
        shared = self._sequences.cut(target.sequence, shared)
        target.generation, target.adapters = generation, generation.request.adapters
        generation.admit(shared)
        return True

    def retire(self, slot: Slot) -> None:
        """Take the answer off; what it read stays for the next question."""
        slot.generation = None
        self._clock += 1
        slot.last_used = self._clock

    def close_ranks(self) -> None:
        """Move answers to the first sequences: llama.cpp computes together what has no gap between."""
        for first in self._all:
            last = next((slot for slot in reversed(self._all) if slot.generation is not None), first)
            if first.generation is None and last.sequence > first.sequence:
                self._sequences.copy(last.sequence, first.sequence, len(self.held(last)))
                first.generation, first.adapters = last.generation, last.adapters
                self.retire(last)

    def forget(self) -> None:
        """No slot has an answer or holds anything."""
        self._sequences.clear()
        for slot in self._all:
            slot.generation = None

    def _age(self, slot: Slot) -> tuple[bool, int]:
        """Empty ones first, then those that were not used for long."""
        return bool(self.held(slot)), slot.last_used

    def _best(self, generation: Generation) -> tuple[Slot, int]:
        """The slot that holds most of the prompt, and how much; the last tokens are read for the scores.

        Two of them: one alone would be computed by another kernel.
        """
        ids, adapters = generation.request.ids[:-2], generation.request.adapters
        best, most = self._all[0], 0
        for slot in self._all:
            shared = common_prefix(self.held(slot), ids) if slot.adapters == adapters else 0
            whole = shared == len(self.held(slot)) and slot.generation is None
            if shared > most and (whole or self._sequences.can_share):
                best, most = slot, shared
        return best, most
