"""Calls of tools as a grammar: each name with its own arguments, in the words of a call form.

Words of a form that are control tokens of the vocabulary stand in the grammar as those tokens: a model that
was taught `[TOOL_CALLS]` writes it as one. Knows nothing of templates, and does not read answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.inference.structured.call_form import (
    HOLES,
    THOUGHT_BEGIN,
    THOUGHT_END,
    CallForm,
    Fragment,
)
from engine.inference.structured.grammar import json_rule, lark_text
from engine.inference.structured.lowered import Lowered
from engine.inference.structured.negation import quoted
from engine.inference.structured.tagged import TaggedArguments
from engine.inference.structured.vocabulary import Vocabulary

ANYTHING, GAP = "/(?s:.+)/", "/[\\n ]{0,4}/"


class CallRules:
    """The rules of an answer that calls tools. `functions`: the lowered schema of each one's arguments."""

    def __init__(
        self, form: CallForm, functions: Mapping[str, Lowered], must: bool, most: int, vocabulary: Vocabulary
    ) -> None:
        self._form, self._functions, self._must, self._most = form, functions, must, most
        self._vocabulary = vocabulary

    def text(self) -> str:
        """The rule `answer` and all that it needs."""
        rules = [self._answer(), *self._terminals(), self._calls()]
        for at, (name, schema) in enumerate(self._functions.items()):
            rules += [self._pair(at, name), *self._arguments(at, schema)]
        return "\n".join(rule for rule in rules if rule)

    def spelled(self) -> frozenset[int]:
        """The control tokens that are words of the form: an answer shows them."""
        form = self._form
        texts = [part for one in (form.before, form.between, form.joint or (), form.after) for part in one]
        if form.tagged:
            texts += [*form.tagged.quotes, form.tagged.opening, form.tagged.middle, form.tagged.joint]
        texts += [form.tagged.closing] if form.tagged else []
        texts += [THOUGHT_END, THOUGHT_BEGIN] if form.thought else []
        return frozenset(token for text in texts for token in self._tokens(text) if isinstance(token, int))

    def _answer(self) -> str:
        """Text, calls, or text and calls behind it; a thought may come first."""
        thought = {"open": "thought ", "may": "thought? ", "": ""}[self._form.thought]
        if self._must:
            return f"answer: {thought if self._form.thought == 'open' else ''}calls"
        unclosed = " | UNCLOSED?" if self._form.thought == "open" else ""
        if not self._form.marker:
            silent = f" ({self._silent()} ANYTHING?)*" if self._silent() else ""
            return f"answer: {thought}(calls | TEXT?{silent}){unclosed}"
        free = f"(TEXT? {self._silent()})* " if self._silent() else ""
        head = "" if self._marker_is_text() else "TEXT? "
        return f"answer: {thought}{free}(TEXT | {head}marked)?{unclosed}"

    def _terminals(self) -> Iterator[str]:
        form = self._form
        for hole, pattern in HOLES.items():
            yield f"HOLE{list(HOLES).index(hole)}: /{pattern}/"
        yield f"ANYTHING: {ANYTHING}"
        if form.thought:
            yield from self._thought()
        if not form.marker:
            yield f"TEXT: {not_begun_by(form.begin)}"
        elif self._marker_is_text():
            yield f"TEXT: {without(form.marker)}"
            yield f"MARKED: {until(form.marker)}"
        else:
            yield f"TEXT: {ANYTHING}"

    def _thought(self) -> Iterator[str]:
        """A thought from its beginning (unless the prompt has that) to its end, and the space behind it."""
        begin = THOUGHT_BEGIN if self._form.thought == "may" else ""
        yield f"UNCLOSED: {without(THOUGHT_END)}"
        if self._tokens(THOUGHT_END) != [THOUGHT_END]:
            yield f"thought: {self._literal(begin)} ANYTHING? {self._literal(THOUGHT_END)} SPACE"
            yield f"SPACE: {GAP}"
        elif begin and self._tokens(begin) != [begin]:
            yield f"thought: {self._literal(begin)} THOUGHT"
            yield f"THOUGHT: {until(THOUGHT_END)} {GAP}"
        else:  # one terminal: its beginning alone would be taken for text, which goes on for longer
            yield "thought: THOUGHT"
            yield f"THOUGHT: {lark_text(begin) + ' ' if begin else ''}{until(THOUGHT_END)} {GAP}"

    def _calls(self) -> str:
        """One call or several, and the same without the marker, which text before it ended with."""
        form = self._form
        more = ""
        if form.joint is not None and self._most > 1:
            more = f" ({self._words(form.joint)} pair){{0,{self._most - 1}}}"
        rest = f"pair{more} {self._words(form.after)}"
        rules = [f"pair: {' | '.join(f'pair{at}' for at in range(len(self._functions)))}"]
        rules.append(f"calls: {self._words(form.before)} {rest}")
        if form.marker and not self._must:
            head = "MARKED" if self._marker_is_text() else self._literal(form.marker)
            behind = (form.before[0].removeprefix(form.marker), *form.before[1:])
            rules.append(f"marked: {head} {self._words(behind)} {rest}")
        return "\n".join(rules)

    def _pair(self, at: int, name: str) -> str:
        name_text, between = self._literal(name), self._words(self._form.between)
        pair = (name_text, f"arguments{at}") if self._form.name_first else (f"arguments{at}", name_text)
        return f"pair{at}: {pair[0]} {between} {pair[1]}"

    def _arguments(self, at: int, schema: Lowered) -> list[str]:
        if self._form.tagged is None:
            return [json_rule(schema, f"arguments{at}")]
        return TaggedArguments(schema, self._form.tagged).rules(f"arguments{at}", self._literal)

    def _words(self, fragment: Fragment) -> str:
        """A fragment in the grammar's words."""
        return " ".join(map(self._word, filter(None, fragment)))

    def _word(self, part: str) -> str:
        return f"HOLE{list(HOLES).index(part)}" if part in HOLES else self._literal(part)

    def _literal(self, text: str) -> str:
        """A text in the grammar's words, its control tokens as such."""
        return " ".join(
            f"<[{one}]>" if isinstance(one, int) else lark_text(one) for one in self._tokens(text)
        )

    def _tokens(self, text: str) -> list[str | int]:
        """A text with its control tokens taken out."""
        known = self._vocabulary.control_tokens
        words = sorted((word for word in known if word in text), key=len, reverse=True)
        if not words:
            return [text] if text else []
        parts = re.split(f"({'|'.join(map(re.escape, words))})", text)
        return [known.get(part, part) for part in parts if part]

    def _marker_is_text(self) -> bool:
        return self._tokens(self._form.marker) == [self._form.marker]

    def _silent(self) -> str:
        """Control tokens that free text may hold: those that no call is made of."""
        free = sorted(set(self._vocabulary.control_tokens.values()) - self.spelled() - self._vocabulary.ends)
        return f"<[{','.join(map(str, free))}]>" if free else ""


def without(word: str) -> str:
    """A terminal for all texts that do not hold `word`."""
    return f"{ANYTHING} & ~/{_holding(word)}/"


def until(word: str) -> str:
    """A terminal for all texts that hold `word` once, at their end."""
    return f"(/(?s:.*)/ & ~/{_holding(word)}/) {lark_text(word)}"


def not_begun_by(begin: str) -> str:
    """A terminal for all texts but the empty one that do not begin with `begin`."""
    return f"{ANYTHING} & ~/{''.join(map(quoted, begin))}(?s:.*)/"


def _holding(word: str) -> str:
    return f"(?s:.*){''.join(map(quoted, word))}(?s:.*)"
