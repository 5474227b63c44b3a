"""Multiple choice: which of the choices an answer takes."""

from __future__ import annotations

import re

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, passed, wanted

LETTERS = [chr(letter) for letter in range(ord("A"), ord("Z") + 1)]
_ONE = "~"
"""Stands for one of the choices in the patterns below."""
_OPEN, _CLOSE = r"[\s\"'*_`$(\[{<]*", r"[\"'*_`$)\]}>]*"
_SAID = (
    r"\b(?:answer|choice|option|choose|pick|select)\b[\"'*_`>]*(?:\s+(?:is|was|would be|will be))?"
    r"\s*[:=\u2013-]?"
    rf"{_OPEN}(?:(?:option|choice|answer)\s+{_OPEN})?({_ONE}){_CLOSE}(?!\w)"
)
_BOXED = r"\\boxed\{\s*(?:\\text\{)?\s*\(?(~)\)?\s*\}?\s*\}"
_BEGUN = (
    r"\s*[*_`\"]*(?:\((~)\)|\[(~)\]|(~)[.):,\n]"
    r"|(~)\s+(?:[-\u2013\u2014]\s|is\s+(?:the\s+)?(?:correct|right)\b))"
)
_MORE = (
    r"[\s*_`\"]*(?:(?:or|and)[\s*_`\"]*[(\[]?(?:~)(?:[)\].,*_`\"\s]|$)"
    r"|[/,&][\s*_`\"]*[(\[]?(?:~)(?:[)\].,*_`\"]|$))"
)
_GOES_ON = re.compile(r"\s+(?!because|since|as\b|for\b|is\b|due|given|which|and|but|with|or\b)[a-z]")


class ChoiceOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`choices` are labels (A, B, C) or whole texts; without them, the letters of the alphabet."""

    value: str | None = None
    choices: list[str] = []


def choice(options: ChoiceOptions, bench: Bench) -> Judge:
    """The answer takes the right choice, and no other."""
    choices = options.choices or LETTERS
    alike = {bare(one) for one in choices}
    if "" in alike or len(alike) < len(choices):
        raise ValueError("choice: `choices` must be texts that differ by more than case, brackets and stops")
    if options.value is not None and bare(options.value) not in alike:
        raise ValueError(f"choice: `value` {options.value!r} is none of the choices: {', '.join(choices)}")

    def judge(reply: Reply) -> Verdict:
        right = {bare(text) for text in wanted(options.value, reply)}
        taken = chosen(reply.text, choices)
        if taken is None:
            return Verdict(0.0, "takes none of the choices, or several", malformed=True)
        return passed(bare(taken) in right, f"took {taken!r}, not {' or '.join(sorted(right))!r}")

    return judge


def chosen(text: str, choices: list[str]) -> str | None:
    """The one choice that an answer takes, read in this order: it is the choice; \\boxed{B}; it says "the
    answer is B", the last time; it begins with the label, as in "(B)", "B." or "B: because"; its last line is
    the choice; it names one of them and no other.
    """
    by_bare = {bare(one): one for one in choices}
    if (whole := by_bare.get(bare(text))) is not None:
        return whole
    names = "|".join(sorted((re.escape(one) for one in choices), key=len, reverse=True))
    marked = _boxed(text, names) or _said(text, names) or _begun(text, names)
    if marked is not None:
        return by_bare.get(bare(marked))
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and (last := by_bare.get(bare(lines[-1]))) is not None:
        return last
    bracketed = {bare(one) for one in re.findall(rf"\(({names})\)", text)}
    named = bracketed or {bare(one) for one in choices if _occurs(one, text)}
    return by_bare[named.pop()] if len(named) == 1 else None


def bare(text: str) -> str:
    """A label without brackets, stops, emphasis and case."""
    return text.strip().strip("()[]{}*_`\"'.:").strip().casefold()


def _boxed(text: str, names: str) -> str | None:
    found = re.findall(_BOXED.replace(_ONE, names), text, re.IGNORECASE)
    return found[-1] if found else None


def _said(text: str, names: str) -> str | None:
    """What an answer says to be the answer; "" where it names several."""
    found = list(re.finditer(_SAID.replace(_ONE, names), text, re.IGNORECASE))
    for match in reversed(found):
        rest = text[match.end() :]
        if _several(rest, names):
            return ""
        # "The answer is a bit complex", "I pick a card": an article, no label.
        article = match[1].casefold() in ("a", "i") and text[match.end(1)] == " " if rest else False
        if not (article and (match[1].islower() or _GOES_ON.match(rest))):
            return match[1]
    return None


def _begun(text: str, names: str) -> str | None:
    """The label that an answer begins with; "" where it names another at once."""
    begun = re.match(_BEGUN.replace(_ONE, names), text, re.IGNORECASE)
    if begun is None:
        return None
    label = next(filter(None, begun.groups()))
    return "" if _several(text[begun.end() :], names) or _several(text[begun.end() - 1 :], names) else label


def _several(rest: str, names: str) -> bool:
    return bool(re.match(_MORE.replace(_ONE, names), rest, re.IGNORECASE))


def _occurs(one: str, text: str) -> bool:
    """Whether a choice stands in a text by itself, and not behind a "not". A label of one letter is a capital
    there, no article and no pronoun: A or I that a word in lower case follows.
    """
    if len(one) > 1:
        return bool(re.search(rf"(?<!\w)(?<!not ){re.escape(one)}(?!\w)", text, re.IGNORECASE))
    found = re.finditer(rf"(?<![A-Za-z0-9_'-])(?<![Nn]ot ){re.escape(one)}(?![A-Za-z0-9_'\u2019-])", text)
    return any(one not in "AI" or not _GOES_ON.match(text, match.end()) for match in found)


KINDS = (Kind("choice", "takes the right one of several choices", ChoiceOptions, choice, expects="expected"),)
