"""Checks of a suite become functions: built once, named apart, applied to replies."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply
from engine.evals.checks.registry import kind_of
from store import settings
from store.hashing import sha256_of_files
from store.records.evals import Case, Check, CheckResult

DETAIL_LETTERS = 300
FAULTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
ALMOST = 1e-9
"""A score that misses its threshold by less is rounding."""


class CompiledCheck(msgspec.Struct, frozen=True):
    """A check ready to use. `name` tells checks of one kind apart: contains, contains-2. `files` is the hash
    of the files that it judges by: a schema, a function; "" without any.
    """

    name: str
    kind: Kind
    threshold: float
    weight: float
    judge: Judge
    check: Check
    files: str = ""

    def result(self, answer: str, case: Case) -> CheckResult:
        """The check's verdict on a text of which nothing else is known."""
        return self.judged(Reply(answer, case))

    def judged(self, reply: Reply) -> CheckResult:
        """The check's verdict on a reply; where it came to none, its error.

        A fault of the check itself is one of the case too: the answers that were given are worth more than an
        end of the run.
        """
        try:
            verdict = self.judge(_writable(reply))
        except CheckError as error:
            return self.unmet(error=str(error))
        except FAULTS as error:
            return self.unmet(error=f"the check itself failed: {type(error).__name__}: {error}")
        score = round(verdict.score, 9)
        passed = score >= self.threshold - ALMOST
        return CheckResult(
            self.name,
            passed=passed != self.check.negate,
            score=round(1 - score, 9) if self.check.negate else score,
            detail=_told(verdict.detail),
            weight=self.weight,
            by=verdict.by,
            # Turned around, a score is no longer what its counts come to.
            counts=[] if self.check.negate else verdict.counts,
            formula="" if self.check.negate else verdict.formula,
            of_kind=self.kind.name,
            malformed=verdict.malformed and not passed and not self.check.negate,
        )

    def unmet(self, detail: str = "", error: str = "") -> CheckResult:
        """What stands for a verdict where there is none: no answer, or an error of the check."""
        return CheckResult(
            self.name, False, 0.0, detail, _told(error), weight=self.weight, of_kind=self.kind.name
        )

    def applies_to(self, slices: Sequence[str]) -> bool:
        """Whether it is applied to a case of these slices."""
        only, without = self.check.only, self.check.without
        return (not only or any(one in slices for one in only)) and not any(one in slices for one in without)


def _writable(reply: Reply) -> Reply:
    """A reply whose text can be written as UTF-8: half a character, which JSON can escape, becomes "?"."""
    try:
        reply.text.encode()
    except UnicodeEncodeError:
        return msgspec.structs.replace(reply, text=reply.text.encode(errors="replace").decode())
    return reply


def _told(text: str) -> str:
    """A detail as it is kept: short, and writable though JSON in an answer may escape half a character."""
    return text[:DETAIL_LETTERS].encode(errors="backslashreplace").decode()


def compile_checks(checks: Sequence[Check], bench: Bench | None = None) -> list[CompiledCheck]:
    """Checks ready to use, each named by its own name or its kind.

    Raises ValueError with the reason for a check that cannot work.
    """
    bench = bench or Bench()
    compiled: list[CompiledCheck] = []
    names: dict[str, int] = {}
    for check in checks:
        kind = kind_of(check.kind)
        wanted = check.name or check.kind
        names[wanted] = names.get(wanted, 0) + 1
        bench.found.clear()
        judge = kind.build(msgspec.convert(check.options, kind.options), bench)
        compiled.append(
            CompiledCheck(
                wanted if names[wanted] == 1 else f"{wanted}-{names[wanted]}",
                kind,
                kind.threshold if check.threshold is None else check.threshold,
                check.weight,
                judge,
                check,
                sha256_of_files(bench.found) if bench.found else "",
            )
        )
    return compiled


def problems_of(check: Check, bench: Bench) -> list[str]:
    """All that is wrong with a check: its kind, its keys, their values, the files that they name."""
    try:
        kind = kind_of(check.kind)
    except ValueError as error:
        return [str(error)]
    problems = settings.check(check.options, kind.options)
    if check.threshold is not None and not 0 <= check.threshold <= 1:
        problems.append(f"threshold: {check.threshold} is not between 0 and 1")
    if check.weight < 0:
        problems.append(f"weight: {check.weight} is below 0")
    if not problems:
        try:
            kind.build(msgspec.convert(check.options, kind.options), bench)
        except ValueError as error:
            why = str(error)
            problems.append(why if why.startswith(kind.name) else f"{kind.name}: {why}")
    return problems
