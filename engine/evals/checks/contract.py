"""What a kind of check is: its options, what it needs, and a function from a reply to a verdict.

    Reply       what a variant answered, and all that is known about how
    Verdict     a score in [0, 1] and why
    CheckError  the check could not judge: an error of the case, neither a pass nor a zero
    Bench       what checks may use besides the reply: schema files, an embedder, a judge, Python functions

Knows no kind of check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from store.records.data import Message, ToolCall
from store.records.evals import Case
from store.records.knowledge import Hit
from store.records.traces import Citation


class CheckError(Exception):
    """A check came to no verdict. The text says why and ends the sentence "the check could not judge: "."""


class Reply(msgspec.Struct):
    """An answer as checks see it. Latency in milliseconds; tokens as the model counts them.

    `tool_calls` are all calls made on the way to it; None where they must be read from `text`.
    """

    text: str
    case: Case
    tool_calls: list[ToolCall] | None = None
    hits: list[Hit] = []
    citations: list[Citation] = []
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = ""

    @property
    def expected(self) -> list[str]:
        """Every right answer; empty where the case has none."""
        first = [] if self.case.expected is None else [self.case.expected]
        return first + self.case.alternatives


class Verdict(msgspec.Struct, frozen=True):
    """A score in [0, 1]; `detail` says why it is not 1, or what was found. `by`: the model that judged.

    `counts` and `formula`: what a score of all answers together is made of, where that is no mean of scores
    (engine.evals.checks.pooling). `malformed`: the answer lacks the form, whatever it says.
    """

    score: float
    detail: str = ""
    by: str = ""
    counts: list[float] = []
    formula: str = ""
    malformed: bool = False


Judge = Callable[[Reply], Verdict]


class ModelJudge(Protocol):
    """A model that gives verdicts."""

    @property
    def name(self) -> str:
        """Which model judges, for people."""

    def ask(self, messages: Sequence[Message], schema: dict[str, Any]) -> dict[str, Any]:
        """An object that fits `schema`. Raises CheckError when the model gave none."""


class Bench(msgspec.Struct):
    """What checks may use. `folders` is where files are looked for, in this order.

    `embed` turns texts into unit vectors, a list of floats each. None means: not at hand here, and a check
    that needs it cannot judge.
    """

    folders: list[Path] = []
    embed: Callable[[Sequence[str]], list[list[float]]] | None = None
    judge: ModelJudge | None = None
    python_checks: bool = False
    closing: list[Callable[[], None]] = []
    found: list[Path] = []

    def find(self, name: str) -> Path:
        """The file called `name`, noted in `found`. Raises ValueError with where it was looked for."""
        for folder in self.folders:
            if (folder / name).is_file():
                self.found.append(folder / name)
                return folder / name
        looked = " or ".join(str(folder) for folder in dict.fromkeys(self.folders)) or "no folder"
        raise ValueError(f"{name}: there is no such file in {looked}")

    def close(self) -> None:
        """End what checks have started."""
        while self.closing:
            self.closing.pop()()


Build = Callable[[Any, Bench], Judge]
"""Options and bench to the function that judges. Raises ValueError with the reason for options that cannot
work; files that they name are looked for here, nothing heavy is loaded yet."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of check. `options` is a struct whose fields are the keys beside `kind` in a suite's file.

    `threshold`: the least score that passes where a suite names none. `expects`: what a case must have for
    the check to mean anything, as the case's field; "" for nothing, and with a `value` of its own never.
    `whole`: it looks at more than the answer's text.
    """

    name: str
    says: str
    options: type[msgspec.Struct]
    build: Build
    threshold: float = 1.0
    expects: str = ""
    whole: bool = False


def wanted(value: str | None, reply: Reply) -> list[str]:
    """The right answers: a check's own `value`, or what the case expects. Raises CheckError without any."""
    found = [value] if value is not None else reply.expected
    if not found:
        raise CheckError(f"case {reply.case.id} has no expected answer")
    return found


def passed(yes: bool, why: str) -> Verdict:
    """1, or 0 with the reason."""
    return Verdict(1.0) if yes else Verdict(0.0, why)


def scored(score: float, name: str) -> Verdict:
    """A share, with its name and value unless it is all."""
    return Verdict(score, "" if score == 1 else f"{name} {score:.3f}")
