"""A model of this machine as judge, and how far it agrees with people.

Knows no model: it is given a function that answers under a schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks import CheckError, CompiledCheck, Reply
from engine.evals.checks.validating import validator_of
from engine.evals.stats.kappa import kappa, kappa_interval
from engine.evals.stats.shares import exact_interval, standard_error
from store.errors import UsageError
from store.records.data import Message
from store.records.evals import Agreement, Case

AnswerUnder = Callable[[Sequence[Message], dict[str, Any]], tuple[str, str]]
"""A conversation and a schema to the answer's text and why it ended."""


class LocalJudge:
    """A judge that is asked through `answer`. `name` is what people are told."""

    def __init__(self, name: str, answer: AnswerUnder) -> None:
        self._name = name
        self._answer = answer

    @property
    def name(self) -> str:
        """Which model judges."""
        return self._name

    def ask(self, messages: Sequence[Message], schema: dict[str, Any]) -> dict[str, Any]:
        """The verdict. Raises CheckError where the judge came to none: it looped, or wrote something else."""
        text, ended = self._answer(messages, schema)
        if ended == "length":
            raise CheckError(f"the judge {self._name} came to no end within its tokens")
        try:
            value = strict_json.decode(text)
        except ValueError as error:
            raise CheckError(f"the judge {self._name} gave no verdict: {error}") from error
        if why := validator_of(schema)(value):
            raise CheckError(f"the judge {self._name} gave no verdict: {why}")
        verdict: dict[str, Any] = value
        return verdict


class Labelled(msgspec.Struct, forbid_unknown_fields=True):
    """An answer that a person judged: a line of the file that `judge: {labelled: FILE}` names."""

    input: str
    output: str
    label: Literal["pass", "fail"]
    expected: str | None = None


def read_labelled(path: Path) -> list[Labelled]:
    """The answers that people judged. Raises UsageError with the line that is none."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=Labelled))
        except msgspec.MsgspecError as error:
            raise UsageError(
                "A judged answer cannot be read",
                f"{path}, line {number}: {error}",
                'Write lines like {"input": "...", "output": "...", "label": "pass"}.',
            ) from error
    return found


def agreement(check: CompiledCheck, labelled: Sequence[Labelled]) -> Agreement:
    """How often a judge says of an answer what a person said of it.

    `kappa` is agreement beyond what both would reach by chance; see engine.evals.stats.kappa.
    """
    pairs: list[tuple[bool, bool]] = []
    for number, one in enumerate(labelled, start=1):
        case = Case(f"labelled-{number}", one.input, one.expected)
        result = check.judged(Reply(one.output, case))
        if not result.error:
            pairs.append((result.passed, one.label == "pass"))
    n = len(pairs)
    table = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
    same = table[0] + table[3]
    low, high = kappa_interval(*table)
    return Agreement(
        check.name,
        n,
        same / n if n else 0.0,
        kappa(*table),
        errors=len(labelled) - n,
        stderr=standard_error(same, n),
        ci95=exact_interval(same, n),
        kappa_low=low,
        kappa_high=high,
    )
