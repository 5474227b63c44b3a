"""Multiple choice: which of the choices an answer takes."""

from __future__ import annotations

import re

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, passed, wanted

LETTERS = [chr(letter) for letter in range(ord("A"), ord("Z") + 1)]
_SAID = r"(?:answer|choice|option)(?:\s+is)?\s*:?\s*\**\s*[\(\[]?({})[\)\]]?(?![\w])"


class ChoiceOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`choices` are labels (A, B, C) or whole texts; without them, the letters of the alphabet."""

    value: str | None = None
    choices: list[str] = []


def choice(options: ChoiceOptions, bench: Bench) -> Judge:
    """The answer takes the right choice, and no other."""
    choices = options.choices or LETTERS

    def judge(reply: Reply) -> Verdict:
        right = {bare(text) for text in wanted(options.value, reply)}
        taken = chosen(reply.text, choices)
        if taken is None:
            return Verdict(0.0, "takes none of the choices, or several")
        return passed(bare(taken) in right, f"took {taken!r}, not {' or '.join(sorted(right))!r}")

    return judge


def chosen(text: str, choices: list[str]) -> str | None:
    """The one choice that an answer takes, read in this order: it is the choice; it begins with the label, as
    in "(B)", "B." or "B: because"; it says "the answer is B"; it names one of them and no other.
    """
    by_bare = {bare(one): one for one in choices}
    if (whole := by_bare.get(bare(text))) is not None:
        return whole
    names = "|".join(sorted((re.escape(one) for one in choices), key=len, reverse=True))
    if begun := re.match(rf"\s*\**(?:\(({names})\)|\[({names})\]|({names})[.):,\n])", text, re.IGNORECASE):
        return by_bare[bare(next(filter(None, begun.groups())))]
    if said := re.findall(_SAID.format(names), text, re.IGNORECASE):
        return by_bare[bare(said[-1])]
    marked = {bare(one) for one in re.findall(rf"\(({names})\)", text)}
    # A lone A or I is more often a word of the sentence than a label.
    named = marked or {bare(one) for one in choices if len(one) > 1 and _occurs(one, text)}
    return by_bare[named.pop()] if len(named) == 1 else None


def bare(text: str) -> str:
    """A label without brackets, stops and case."""
    return text.strip().strip("()[]*.:").strip().casefold()


def _occurs(one: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.IGNORECASE))


KINDS = (Kind("choice", "takes the right one of several choices", ChoiceOptions, choice, expects="expected"),)
