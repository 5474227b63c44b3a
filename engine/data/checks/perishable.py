"""The check for answers that are facts which will change: prices, rates, versions, hours, dates, incumbents.

A model that learns them goes on saying them; a knowledge base can be told anew. Only what the answer knows by
heart counts: a value that stands in what the row asks (documents included) or that is worked out from it is
no fact from memory. What states such a fact is in engine.data.checks.perishable_forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from engine.data.checks.contract import Kind, answer_of
from engine.data.checks.perishable_forms import FORMS, PAST, Form
from store.records.data import Example
from store.records.findings import CheckSettings

REMEDY = "Retrieve these instead of training them: temper kb ingest. Then: temper data fix {dataset} --drop "
SHOWN = 60
"""Characters of a sentence that a note quotes."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z])|\n+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SUM = re.compile(r"<<|\d\s*[+*/\u00d7\u00f7=]\s*[$\u20ac\u00a3]?\s*\d|\d\s+[\-x]\s+[$\u20ac\u00a3]?\d|####")
KINDS = tuple(
    Kind(form.id, "perishable", "warn", f"{{count}} answers that hold {form.what}", REMEDY + form.id)
    for form in FORMS
)


class PerishableScan:
    """Looks at what a row answers. A dataset of texts has no answers and is passed over."""

    kinds = KINDS

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """Each sort of perishable fact in the row's answer, with the first sentence that states one."""
        if example.text or not example.messages:
            return
        answer = answer_of(example)
        lower = answer.lower()
        sum_shown = _SUM.search(answer) is not None
        forms = [form for form in FORMS if not (sum_shown and form.derived) and form.possible(lower)]
        if not forms:
            return
        asked = _Asked(example)
        # Two numbers in the question are enough to work a third one out.
        if any(form.derived for form in forms) and len(asked.numbers) >= 2:
            forms = [form for form in forms if not form.derived]
        yield from _stated(answer, forms, asked)


class _Asked:
    """What stands before the answer: system prompt, documents, tools' answers, question. Read when asked."""

    def __init__(self, example: Example) -> None:
        self._example = example

    @cached_property
    def text(self) -> str:
        """All of it, in lower case."""
        before = self._example.messages[: self._example.prompt_turns or len(self._example.messages) - 1]
        return "\n".join(turn.content for turn in before).lower()

    @cached_property
    def numbers(self) -> set[str]:
        """The numbers in it, each written the same way."""
        return {_plain(number) for number in _NUMBER.findall(self.text)}

    def holds(self, value: str) -> bool:
        """Whether the answer could have read `value` here."""
        numbers = [_plain(number) for number in _NUMBER.findall(value)]
        return all(number in self.numbers for number in numbers) if numbers else value in self.text


def scans(settings: CheckSettings) -> PerishableScan:
    """The scan of single rows."""
    return PerishableScan()


def _stated(answer: str, forms: list[Form], asked: _Asked) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for sentence in _SENTENCE.split(answer) if forms else ():
        lower = sentence.lower()
        for form in forms:
            if form.id not in seen and _states(form, lower, asked):
                seen.add(form.id)
                yield form.id, _shown(sentence)


def _states(form: Form, sentence: str, asked: _Asked) -> bool:
    """Whether a sentence (lower case) states something of this form that its question does not hold."""
    if not form.possible(sentence):
        return False
    match = form.states.search(sentence)
    if match is None or PAST.search(sentence):
        return False
    return not asked.holds(next(part for part in match.groupdict().values() if part is not None))


def _plain(number: str) -> str:
    """`1,000.00` and `1000` are the same number."""
    bare = number.replace(",", "")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare


def _shown(sentence: str) -> str:
    sentence = " ".join(sentence.split())
    return sentence if len(sentence) <= SHOWN else sentence[: SHOWN - 1] + "\u2026"
