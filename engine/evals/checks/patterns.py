"""Regular expressions that cannot run away: the check `regex`, and patterns for other checks."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, passed

SECONDS = 1.0
LETTERS = 100_000
"""Only so much of an answer is searched."""
REPEATS = 100_000
"""What is repeated so often, groups within groups counted together, is written out when it is compiled."""
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|\{(\d+)(?:,\d*)?\}|[()]", re.DOTALL)


class RegexOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`whole`: the pattern must fit all of the answer; `absent`: it must be found nowhere."""

    value: str = ""
    ignore_case: bool = False
    whole: bool = False
    absent: bool = False


class Pattern:
    """A compiled pattern with a time limit. Raises ValueError with the reason where it is none."""

    def __init__(self, source: str, *, ignore_case: bool = False) -> None:
        import regex  # Python's own re cannot be stopped

        self.source = source
        flags = regex.IGNORECASE if ignore_case else 0
        if repeats(source) > REPEATS:
            raise ValueError(f"{source!r:.100} repeats something more than {REPEATS:,} times")
        try:
            self._compiled = regex.compile(source, flags)
        except (regex.error, OverflowError, RecursionError, MemoryError) as error:
            raise ValueError(f"{source!r:.100} is not a pattern: {error or type(error).__name__}") from error

    def search(self, text: str) -> Any:
        """The first match, or None. Raises CheckError when it takes too long."""
        return self._timed(self._compiled.search, text)

    def fullmatch(self, text: str) -> Any:
        """The match of all of `text`, or None. Raises CheckError when it takes too long."""
        return self._timed(self._compiled.fullmatch, text)

    def _timed(self, match: Any, text: str) -> Any:
        try:
            return match(text[:LETTERS], timeout=SECONDS)
        except TimeoutError as error:
            raise CheckError(
                f"the pattern {self.source!r} did not finish within {SECONDS:g} s; write it without nested "
                "repetition, such as (a+)+"
            ) from error


def repeats(source: str) -> int:
    """How many copies a pattern's most repeated part comes to when counted repetitions are written out."""
    within, last, most = [1], 1, 1  # of each open group, the most inside it; of what a count would repeat
    for part in _PART.finditer(source):
        if part[0] == "(":
            within.append(1)
        elif part[0] == ")" and len(within) > 1:
            last = within.pop()
            within[-1] = max(within[-1], last)
        elif part[1]:
            follows_group = source[part.start() - 1 : part.start()] == ")"
            count = min(int(part[1][:12]), 10**12) * (last if follows_group else 1)
            within[-1], last = max(within[-1], count), count
        most = max(most, within[-1])
    return most


def regex_check(options: RegexOptions, bench: Bench) -> Judge:
    """The pattern is found somewhere in the answer; anchor it with ^ and $, or say `whole`, for all of it."""
    if not options.value:
        raise ValueError("regex needs `value`, the pattern")
    try:
        pattern = Pattern(options.value, ignore_case=options.ignore_case)
    except ValueError as error:
        raise ValueError(f"regex: `value`: {error}") from error

    def judge(reply: Reply) -> Verdict:
        found = pattern.fullmatch(reply.text.strip()) if options.whole else pattern.search(reply.text)
        if options.absent:
            return passed(not found, f"matches {options.value!r}")
        return (
            Verdict(1.0) if found else Verdict(0.0, f"no match of {options.value!r}", malformed=options.whole)
        )

    return judge


KINDS = (Kind("regex", "a pattern is found in the answer", RegexOptions, regex_check),)
