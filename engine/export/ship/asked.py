"""What a ship check compares on. Holds it, makes none of it: engine.export.material does."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.evals.run import CheckedCase
from store.records.data import Message

Level = Literal["WARN", "BLOCK"]
Judged = tuple[Level, str]
"""A reason with the verdict that it asks for."""

ANSWER_TOKENS = 64


class Question(msgspec.Struct):
    """A prompt, rendered and ready to be answered. `answer` are the ids of the row's own, as it was trained;
    none where there is none. `messages` are what it was rendered from.
    """

    prompt: str
    answer: list[int] = []
    messages: list[Message] = []


class Exam(msgspec.Struct):
    """An eval suite: its cases with their checks, and a rendered prompt per case.

    Answers have at most `most` tokens and end at `tail`, what a plain template writes behind them.
    """

    name: str
    cases: list[CheckedCase]
    prompts: list[str]
    most: int = ANSWER_TOKENS
    tail: str = ""


class Material(msgspec.Struct):
    """`texts` are compared as ids, `questions` answered too. `specials` are the special tokens, as a user may
    type them; `answer_ends` the tokens that training rows end with. `system` stands before every question.
    `notes` say what was not at hand: each makes the verdict WARN at best, as does having no `exam`.
    """

    texts: list[str]
    questions: list[Question]
    specials: list[str] = []
    answer_ends: list[int] = []
    system: str = ""
    exam: Exam | None = None
    notes: list[str] = []

    @property
    def steps(self) -> int:
        """How many answers a check of one file asks and judges."""
        return 2 * (len(self.questions) + (len(self.exam.prompts) if self.exam else 0))
