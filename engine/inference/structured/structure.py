"""What an answer must be, for any model: a grammar to follow and a judgement of what came out.

Made before generation, and refused then if it cannot be enforced. Knows nothing of prompts and sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from engine.inference.structured.blame import blamed
from engine.inference.structured.constraint import Grammar
from engine.inference.structured.dialect import Schema
from engine.inference.structured.grammar import CompiledGrammar, choice_rule, json_rule, regex_rule
from engine.inference.structured.lowering import LoweredSchema
from engine.inference.structured.refusal import NothingSatisfies
from engine.inference.structured.validation import Checker
from engine.inference.structured.vocabulary import Vocabulary, byte_vocabulary
from store.errors import TemperError, UsageError
from store.records.data import ToolCall
from store.records.output import OutputFormat

if TYPE_CHECKING:
    from engine.inference.said import Said


class Rules(NamedTuple):
    """A grammar's text over one vocabulary, and the control tokens in it that an answer shows."""

    text: str
    spelled: frozenset[int] = frozenset()


class Structure:
    """`rules` for engine.inference.structured.grammar, `notes` for people, `problem` of a complete answer.

    Rules that depend on the vocabulary are a function of it. `output` is what was asked for, for a model that
    is asked in words. Where there are tools, `calls` reads their calls out of a valid answer, `beside` what
    it says besides, and `said` makes what shows that as it comes.
    """

    def __init__(
        self,
        rules: str | Callable[[Vocabulary], Rules],
        problem: Callable[[str], str],
        notes: Sequence[str] = (),
        calls: Callable[[str], list[ToolCall]] | None = None,
        beside: Callable[[str], str] = str,
        said: Callable[[], Said] | None = None,
        output: OutputFormat | None = None,
    ) -> None:
        self.output = output
        self._rules = rules
        self.calls = calls
        self.beside = beside
        self.said = said
        self.notes = list(notes)
        self.problem = problem
        # compiled here, so that a refusal comes before any model is asked
        self._bytes = CompiledGrammar(self.rules(byte_vocabulary()).text, byte_vocabulary())

    def rules(self, vocabulary: Vocabulary) -> Rules:
        """The grammar's text."""
        return Rules(self._rules) if isinstance(self._rules, str) else self._rules(vocabulary)

    def grammar(self, vocabulary: Vocabulary, spaced: bool = False) -> Grammar:
        """The grammar over a model's vocabulary; `spaced`: a space may come first, and is not shown."""
        return _compiled(self.rules(vocabulary), vocabulary, spaced)

    def follows(self, text: str) -> bool:
        """Whether the grammar itself could have written `text`."""
        constraint = self._bytes.start()
        for byte in text.encode("utf-8", errors="surrogatepass"):
            if not constraint.allows(byte):
                return False
            constraint.advance(byte)
        return constraint.is_accepting()


@lru_cache(maxsize=32)
def _compiled(rules: Rules, vocabulary: Vocabulary, spaced: bool) -> CompiledGrammar:
    return CompiledGrammar(rules.text, vocabulary, spaced, rules.spelled)


def judged(structure: Structure, text: str, complete: bool) -> str:
    """Why an answer that was cut is not a valid one; empty for a complete one that is.

    Raises TemperError for a complete answer that breaks its structure: it must not be taken for one that
    keeps it. (A grammar lets some things pass: 30 February, a key written twice.)
    """
    problem = structure.problem(text)
    if not problem:
        return ""
    if complete:
        raise broken(problem, text)
    return f"The answer was cut before it was complete, and is not valid: {problem}"


def broken(problem: str, text: str) -> TemperError:
    """A complete answer that breaks its structure."""
    return TemperError(
        "The answer breaks its structure",
        f"{problem} The answer was: {text!r:.300}",
        "Ask again, with another seed or a clearer prompt.",
    )


def schema_structure(schema: Schema) -> Structure:
    """Answers that are JSON by `schema`. Raises SchemaRefused or UsageError, which name what is to blame."""
    try:
        lowered = LoweredSchema(schema)
    except NothingSatisfies as error:
        raise blamed(schema, error.WHY) from None
    checker = Checker(schema, lowered.draft)
    try:
        output = OutputFormat("json_schema", schema=schema)
        return Structure(json_rule(lowered.schema), checker.problem, lowered.notes, output=output)
    except UsageError as error:
        refusal = lowered.doubtful or blamed(schema, error.happened.removesuffix("."))
        raise refusal from None


def regex_structure(pattern: str) -> Structure:
    """Answers that `pattern` describes from beginning to end. Raises UsageError for one that is refused.

    The grammar is the only judge of these: its engine is linear in the text's length.
    """
    if not pattern:
        raise UsageError("The pattern is empty", "It would allow the empty answer only.", "Write a pattern.")
    structure: Structure
    structure = Structure(
        regex_rule(pattern),
        lambda text: "" if structure.follows(text) else f"The answer does not match {pattern!r:.120}.",
        output=OutputFormat("regex", pattern=pattern),
    )
    return structure


def choice_structure(choices: Sequence[str]) -> Structure:
    """Answers that are one of `choices`. Raises UsageError when there is none to choose, or an empty one."""
    wanted = list(dict.fromkeys(choices))
    if not wanted or "" in wanted:
        raise UsageError(
            "There is nothing to choose",
            f"The choices are {choices!r:.200}.",
            "Give texts that are not empty.",
        )
    return Structure(
        choice_rule(wanted),
        lambda text: "" if text in wanted else f"{text!r:.80} is none of the choices.",
        output=OutputFormat("choice", choices=wanted),
    )


def structure_of(output: OutputFormat) -> Structure | None:
    """The structure that is asked for; None for free text. Compiled once for equal formats."""
    if output.kind == "text":
        return None
    return _structure(msgspec.json.encode(output))


@lru_cache(maxsize=64)
def _structure(encoded: bytes) -> Structure:
    output = msgspec.json.decode(encoded, type=OutputFormat)
    if output.kind == "regex":
        return regex_structure(output.pattern)
    if output.kind == "choice":
        return choice_structure(output.choices)
    structure = schema_structure({"type": "object"} if output.kind == "json_object" else output.schema)
    structure.output = output
    return structure
