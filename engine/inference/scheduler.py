"""Continuous batching: at every step answers are admitted, computed together, and retired when they end.

A new prompt is read in calls of its own, then the next tokens of all answers are computed in groups that
give the scores of each alone, so an answer does not depend on the others but for the last bits of its scores
(docs/decisions/0017, 0025). An adapter set belongs to the whole context, so only answers with one set are
computed together; the sets take turns. For one thread; cancelling an answer is for any.
"""

from __future__ import annotations

from collections import Counter, deque

from engine.inference.generate import AdapterSet, Generation, Request
from engine.inference.groups import Groups
from engine.inference.llama import Model
from engine.inference.lora import AdapterShelf
from engine.inference.sequences import Piece, Row, Sequences
from engine.inference.shape import Shape, shape_for
from engine.inference.slots import Slot, Slots
from store.errors import TemperError

PARALLEL = 16
"""Answers computed together: where most of the gain is had on a CPU."""
TURN_STEPS = 16
"""Steps that an adapter set has before another's turn: llama.cpp plans its graph anew for each."""


class Scheduler:
    """Answers requests over a model, each of at most `size` tokens with its prompt, `parallel` at once.

    Fewer are computed at once where they are long, so that memory stays bounded. Close it before the model.
    Raises TemperError where memory does not suffice.
    """

    def __init__(self, model: Model, size: int, *, parallel: int = PARALLEL) -> None:
        self.model = model
        self.size = size
        self._parallel = parallel
        self._shelf = AdapterShelf(model)
        self._groups = Groups(model)
        self._waiting: deque[Generation] = deque()
        self._set: AdapterSet = ()
        self._steps_left = 0
        self._served: Counter[AdapterSet] = Counter()  # the number of the turn that each set last had
        self._turns = 0
        self._build(shape_for(model, 0, size, parallel))

    @property
    def busy(self) -> bool:
        """Whether any answer is not finished."""
        return bool(self._waiting or self._slots.live)

    @property
    def waiting(self) -> int:
        """Answers that have not begun."""
        return len(self._waiting)

    def load(self, adapters: AdapterSet) -> None:
        """Have adapters ready to be put on. Raises MissingError or UsageError for one that does not fit."""
        for path, _ in adapters:
            self._shelf.load(path)

    def submit(self, request: Request) -> Generation:
        """Have a request answered from the next step on. Raises UsageError when it does not fit."""
        self.load(request.adapters)
        generation = Generation(request, self.model, self.size)
        self._waiting.append(generation)
        return generation

    def step(self) -> list[Generation]:
        """Compute one step; the answers with something new.

        Raises TemperError where llama.cpp gives up: every answer under way has failed then, and those that
        wait are taken up by the next step.
        """
        changed = self._drop_unwanted()
        self._admit()
        self._take_turn()
        slots = [slot for slot in self._slots.live if slot.adapters == self._set]
        if not slots:
            return changed
        try:
            self._shelf.put_on(self._sequences.handle, self._set)
            ready = [slot for slot in slots if is_written(slot)]  # a first token is shown before the second
            changed += self._read(slots)
            return changed + self._write(ready)
        except TemperError as error:
            for slot in self._slots.live:
                if slot.generation is not None:
                    slot.generation.fail(error)
            self._slots.forget()
            raise

    def finish(self, generation: Generation) -> str:
        """The text of an answer, computed to its end. Raises as `step` does, and its own failure."""
        while generation.finish_reason is None:
            self.step()
        if generation.failure is not None:
            raise generation.failure
        return generation.take()

    def close(self) -> None:
        """Free the memory; what is not finished ends."""
        for generation in [*self._waiting, *(slot.generation for slot in self._slots.live)]:
            if generation is not None:
                generation.finish("stopped")
        self._sequences.close()

    def _drop_unwanted(self) -> list[Generation]:
        """End what is no longer wanted."""
        dropped = []
        for generation in [one for one in self._waiting if one.unwanted]:
            self._waiting.remove(generation)
            dropped.append(generation)
        for slot in self._slots.live:
            if slot.generation is not None and slot.generation.unwanted:
                dropped.append(slot.generation)
                self._slots.retire(slot)
        for generation in dropped:
            generation.finish("stopped")
        return dropped

    def _admit(self) -> None:
        """Give slots to those that wait: in their order, but no adapter set gets ahead of others."""
        if self._waiting and not self._fit_shape():
            return
        passed: set[int] = set()
        while ready := [one for one in self._waiting if id(one) not in passed]:
            counts = Counter(slot.adapters for slot in self._slots.live)
            generation = min(ready, key=lambda one: counts[one.request.adapters])
            if self._slots.should_wait(generation):
                passed.add(id(generation))
            elif self._slots.place(generation):
                self._waiting.remove(generation)
            else:
                return

    def _fit_shape(self) -> bool:
        """Whether those that wait can be admitted; where another shape is better, when no answer is left."""
        needed = max(one.prompt_tokens + one.limit for one in self._waiting)
        wanted = shape_for(self.model, needed, self.size, self._parallel)
        longer = wanted.size > self._shape.size
        wider = wanted.sequences >= 2 * self._shape.sequences and len(self._waiting) > self._shape.sequences
        if not longer and not wider:
            return True
        if self._slots.live:
            return False
        self._sequences.close()
        self._build(wanted)
        return True

    def _build(self, shape: Shape) -> None:
        """Make the sequences: fewer where there is no memory for all."""
        while True:
            try:
                self._sequences = Sequences(self.model, shape.size, shape.sequences)
                break
            except TemperError as error:
                if shape.sequences == 1:
                    for generation in self._waiting:
                        generation.fail(error)
                    self._waiting.clear()
                    raise
                shape = Shape(shape.size, shape.sequences // 2)
        self._shape = shape
        self._slots = Slots(self._sequences)
        self._shelf.forget()

    def _take_turn(self) -> None:
        """Choose the adapter set of this step."""
        sets = {slot.adapters for slot in self._slots.live}
        self._steps_left -= 1
        if not sets or (self._set in sets and (len(sets) == 1 or self._steps_left > 0)):
            return
        self._set = min(sets, key=lambda one: (self._served[one], one))
        self._turns += 1
        self._served[self._set] = self._turns
        self._steps_left = TURN_STEPS

    def _read(self, slots: list[Slot]) -> list[Generation]:
        """Read new prompts, the shortest first, about one batch; those whose first token is there now."""
        begun, room = [], self._sequences.batch_size
        for slot in sorted(slots, key=lambda one: one.generation.prompt_tokens if one.generation else 0):
            generation = slot.generation
            if generation is None or is_written(slot) or room <= 0:
                continue
            at = len(self._slots.held(slot))
            ids = generation.request.ids[at : at + self._sequences.batch_size]
            if at + len(ids) == generation.prompt_tokens - 1:
                ids = ids[:-1]  # one token left over would be computed by another kernel
            room -= len(ids)
            whole = at + len(ids) == generation.prompt_tokens
            self._sequences.decode([Piece(slot.sequence, ids, whole)])
            if whole:
                self._add_token(slot, self._sequences.row(len(ids) - 1))
                begun.append(generation)
        return begun

    def _write(self, slots: list[Slot]) -> list[Generation]:
        """Compute the next token of answers under way."""
        written = [slot.generation for slot in slots if slot.generation is not None]
        pieces = [piece for slot in slots if (piece := next_piece(slot)) is not None]
        if slots:
            for place, row in self._groups.rows(self._sequences, pieces, lambda at: next_piece(slots[at])):
                self._add_token(slots[place], row)
        if not self._waiting:
            self._slots.close_ranks()
        return written

    def _add_token(self, slot: Slot, row: Row) -> None:
        """Let an answer pick its next token; its slot is free when that was the last."""
        if slot.generation is not None:
            slot.generation.write(row)
            if slot.generation.finish_reason is not None:
                self._slots.retire(slot)


def is_written(slot: Slot) -> bool:
    """Whether a slot's answer is under way: its prompt is read, its first token is there."""
    return slot.generation is not None and bool(slot.generation.ids)


def next_piece(slot: Slot) -> Piece | None:
    """The last token of a slot's answer, to compute the next from; None when it has ended."""
    return None if slot.generation is None else Piece(slot.sequence, slot.generation.ids[-1:])
