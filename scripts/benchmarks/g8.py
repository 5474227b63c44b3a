"""G8: what a JSON grammar costs for each token, against the same loop without one.

Both arms write as many tokens behind the same prompt on the random Llama (160M, vocabulary 128,000, Q8_0).
Random
weights hardly ever propose a token that JSON allows, so nearly every step takes a mask: the worst case of
sampling first. The gate: every answer is valid, and the text is that of masking first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from engine.inference.generate import Generation, Request
from engine.inference.llama import Model
from engine.inference.scheduler import Scheduler
from engine.inference.structured.constraint import Constraint, Mask
from engine.inference.structured.grammar import CompiledGrammar
from engine.inference.structured.structure import Structure, regex_structure, schema_structure
from engine.inference.structured.vocabulary import Vocabulary
from scripts.benchmarks.arms import Result, ratios, result
from scripts.benchmarks.random_llama import random_llama
from store.records.workspace import Sampling

PROMPTS = ("List the tickets.", "What did the customer want, one by one?")
CONTEXT, MOST_TOKENS, LEAST_TOKENS = 1024, 900, 256
TIMED_TOKENS = 320
"""The first so many of an answer are timed, in both arms."""
SCHEMA = {
    "type": "array",
    "minItems": 3,
    "maxItems": 3,
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 0, "maximum": 9999},
            "kind": {"enum": ["recovery", "scam", "fees", "transfer"]},
            "note": {"type": "string", "minLength": 8, "maxLength": 40},
            "urgent": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
        },
        "required": ["id", "kind", "note", "urgent", "day"],
        "additionalProperties": False,
    },
}
TARGET = "<= 1.05"


class MaskFirst:
    """A constraint that refuses every proposal, so that each token is taken from a mask."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint

    def allows(self, token: int) -> bool:
        """Never, without having looked."""
        return False

    def mask(self) -> Mask:
        """The constraint's own."""
        return self._constraint.mask()

    def advance(self, token: int) -> None:
        """The constraint's own."""
        self._constraint.advance(token)

    def spelling(self, token: int) -> bytes:
        """The constraint's own."""
        return self._constraint.spelling(token)

    def is_accepting(self) -> bool:
        """The constraint's own."""
        return self._constraint.is_accepting()

    def is_finished(self) -> bool:
        """The constraint's own."""
        return self._constraint.is_finished()


class Bench:
    """The loaded model, and one answer after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.vocabulary = Vocabulary.of(model)
        self.scheduler = Scheduler(model, CONTEXT, parallel=1)

    def answer(self, prompt: str, constraint: Constraint | None, most: int) -> Generation:
        """One greedy answer of at most so many tokens."""
        ids = self.model.encode_prompt(prompt)
        # without a constraint the model must not end early: its ends are made impossible
        bias = {} if constraint else dict.fromkeys(self.model.stop_ids, -1e9)
        request = Request(ids, Sampling(max_tokens=most), constraint=constraint, bias=bias)
        generation = self.scheduler.submit(request)
        while generation.finish_reason is None:
            self.scheduler.step()
        return generation

    def seconds(self, prompt: str, constraint: Constraint | None, most: int) -> float:
        """Seconds for each token of an answer, the prompt's reading included."""
        begin = time.perf_counter()
        generation = self.answer(prompt, constraint, most)
        return (time.perf_counter() - begin) / len(generation.ids)

    def start(self, structure: Structure) -> Constraint:
        """A new answer's constraint."""
        return structure.grammar(self.vocabulary).start()


def measure(pairs: int) -> Iterator[Result]:
    """The one result of G8; as its control a grammar that allows everything."""
    model = Model(random_llama()["q8_0"])
    bench, structure = Bench(model), schema_structure(SCHEMA)
    passed, detail, length = gate(bench, structure)
    length = min(length, TIMED_TOKENS)
    begin = time.perf_counter()
    CompiledGrammar(structure.rules(bench.vocabulary).text, bench.vocabulary)
    compiled = (time.perf_counter() - begin) * 1000
    prompt, anything = PROMPTS[0], regex_structure("(?s:.)*")
    with_grammar = ratios(
        lambda: bench.seconds(prompt, bench.start(structure), length),
        lambda: bench.seconds(prompt, None, length),
        pairs,
    )
    control = ratios(
        lambda: bench.seconds(prompt, bench.start(anything), length),
        lambda: bench.seconds(prompt, None, length),
        min(pairs, 3),
    )
    detail += f"; the grammar compiles in {compiled:.0f} ms"
    yield result("G8", with_grammar, target=TARGET, passed=passed, detail=detail, control=control)
    bench.scheduler.close()
    model.close()


def gate(bench: Bench, structure: Structure) -> tuple[bool, str, int]:
    """Whether all answers are valid and as masking first has them; and the length of the first, in tokens."""
    valid, same, lengths = 0, 0, list[int]()
    for prompt in PROMPTS:
        first = bench.answer(prompt, bench.start(structure), MOST_TOKENS)
        masked = bench.answer(prompt, MaskFirst(bench.start(structure)), MOST_TOKENS)
        text = first.take()
        valid += first.finish_reason == "stop" and structure.problem(text) == ""
        same += first.ids == masked.ids and text == masked.take()
        lengths.append(len(first.ids))
    count = len(PROMPTS)
    passed = valid == same == count and min(lengths) >= LEAST_TOKENS
    detail = f"{valid} of {count} answers valid, {same} of {count} as with the mask first, {lengths} tokens"
    return passed, detail, lengths[0]
