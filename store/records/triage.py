"""Failures with a category each: guessed with its evidence, or decided by a person; grouped and counted."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Category = Literal[
    "behaviour",
    "format",
    "tone",
    "tool",
    "refusal",
    "hallucination",
    "retrieval",
    "knowledge",
    "safety",
    "label_noise",
    "product",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Guess(msgspec.Struct):
    """A first guess: the rule that made it, and what it saw."""

    category: Category
    rule: str
    evidence: str


class Failure(msgspec.Struct, omit_defaults=True):
    """One failed case of a run, or one complaint of a file. `weight` is how often it happened.

    `target` is what a label about it names: it stays the same from run to run while the same case fails in
    the same way. Labels on the names in `known_as` hold too. `source_in_context`: the right document was
    among the passages that the model was given. `days` says how often it happened on which day, as far
    as a file tells.
    """

    target: str
    source: str
    case: str
    input: str
    output: str
    guess: Guess
    expected: str = ""
    comment: str = ""
    variant: str = ""
    time: str = ""
    weight: int = 1
    source_in_context: bool = False
    days: dict[str, int] = {}
    known_as: list[str] = []


class Count(msgspec.Struct):
    """How often a group failed in one run, or in one period of a file; time orders them."""

    source: str
    variant: str
    count: int


class FailureGroup(msgspec.Struct):
    """Failures that are one problem. `category` is the decision where there is one, else the guess.

    `decided` of its `members` have a label of their own. `trend` counts over runs, oldest first. `action`
    is what to do about the category and `command` what does it, where Temper can. `id` holds from run to run
    as long as the group's first failure stays the same one.
    """

    number: int
    id: str
    title: str
    category: Category
    guess: Guess
    count: int
    share: float
    decided: int
    members: list[Failure]
    trend: list[Count] = []
    action: str = ""
    command: str = ""
    note: str = ""

    @property
    def named(self) -> bool:
        """Whether a person said what it is."""
        return self.decided > 0


class Triage(msgspec.Struct):
    """All failures of a run or file, the largest groups first. `behavioural` is a share of the top.

    `columns` says which column of a file was read as what.
    """

    source: str
    failures: int
    groups: list[FailureGroup]
    top: int = 0
    named: int = 0
    behavioural: float = 0.0
    ready: bool = False
    why_not: str = ""
    columns: dict[str, str] = {}
