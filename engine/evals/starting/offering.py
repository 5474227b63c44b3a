"""Multiple choice: the choices shown behind the question, each with a letter; a letter is the answer."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from engine.evals.checks.choice import bare
from store.records.evals import Case

LETTERS = string.ascii_uppercase
_COLUMN = re.compile(r"(?i:option|choice|answer)[\s_-]*([A-Za-z]|\d{1,2})|([A-Z])")


def columns_with_choices(columns: Sequence[str]) -> list[str]:
    """The columns that hold choices, in order: A, B, C; option_a, option_b; choice 1, choice 2. Empty without
    two of them that follow each other from the first.
    """
    found = [(_COLUMN.fullmatch(one.strip()), one) for one in columns]
    named = {(one[1] or one[2]).upper(): column for one, column in found if one is not None}
    rows = (list(LETTERS), [str(number) for number in range(1, len(LETTERS) + 1)])
    for names in rows:
        there = [named[name] for name in names if name in named]
        if len(there) > 1 and set(names[: len(there)]) <= named.keys():
            return there
    return []


def offer(case: Case, choices: Sequence[str]) -> str:
    """Show the choices behind the question and make the expected answer a letter; says what is amiss, or "".

    The right answer may be a letter, with brackets or without, or the text of a choice.
    """
    if len(choices) > len(LETTERS):
        return f"more than {len(LETTERS)} choices: the question stands without them"
    if case.messages:
        return "`choices`: its conversation does not end with a question to put them behind"
    letters = list(LETTERS[: len(choices)])
    shown = "\n".join(f"{one}) {text}" for one, text in zip(letters, choices, strict=True))
    case.input = f"{case.input}\n\n{shown}"
    by_text = {bare(text): letter for letter, text in zip(letters, choices, strict=True)}
    by_text |= {bare(letter): letter for letter in letters}
    right = [by_text.get(bare(one)) for one in [case.expected, *case.alternatives] if one is not None]
    if None in right:
        return "its target is none of its choices: no answer could pass"
    if right:
        case.expected, case.alternatives = str(right[0]), [str(one) for one in right[1:]]
    return "several choices are right at once: here any one of them passes" if len(right) > 1 else ""
