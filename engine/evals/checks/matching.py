"""Text against text: exact, normalised, contains."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, passed, wanted
from engine.evals.checks.values import same_json


class ExactOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`after`: what stands behind its last occurrence counts, without a full stop (BBH: "answer is")."""

    value: str | None = None
    after: str = ""


class NormalisedOptions(msgspec.Struct, forbid_unknown_fields=True):
    """What is made equal before comparing, besides white space and Unicode forms."""

    value: str | None = None
    after: str = ""
    case: bool = True
    punctuation: bool = True
    accents: bool = False


class ContainsOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`values`: texts of which `all` (or any one) must occur; without them the expected answer must.

    White space at their ends does not count.
    """

    value: str | None = None
    values: list[str] = []
    all: bool = True
    ignore_case: bool = False
    absent: bool = False


def part_after(text: str, marker: str) -> str:
    """What stands behind the last `marker`, without a full stop at its end; all of a text that has none.

    As the evaluation of BIG-Bench-Hard reads an answer ("So the answer is (B).").
    """
    if not marker or marker not in text:
        return text.strip()
    return text.rpartition(marker)[2].strip().removesuffix(".").rstrip()


def exact(options: ExactOptions, bench: Bench) -> Judge:
    """Equal to a right answer, white space at both ends apart; or the same JSON object or list."""

    def judge(reply: Reply) -> Verdict:
        answer, right = part_after(reply.text, options.after), wanted(options.value, reply)
        ok = any(answer == one.strip() or equal_as_json(answer, one.strip()) for one in right)
        return passed(ok, f"expected {_shown(right)}")

    return judge


def normalised(options: NormalisedOptions, bench: Bench) -> Judge:
    """Equal to a right answer once letters' case, punctuation and white space are made equal."""
    normalise = normaliser(options)

    def judge(reply: Reply) -> Verdict:
        right = wanted(options.value, reply)
        answer = normalise(part_after(reply.text, options.after))
        return passed(answer in map(normalise, right), f"expected {_shown(right)}, got {answer!r}")

    return judge


def normaliser(options: NormalisedOptions) -> Callable[[str], str]:
    """The function that makes texts equal as the options say."""

    def normalise(text: str) -> str:
        text = unicodedata.normalize("NFKC", text)
        if options.case:
            text = text.casefold()
        if options.accents:
            apart = unicodedata.normalize("NFD", text)
            text = "".join(letter for letter in apart if not unicodedata.combining(letter))
        if options.punctuation:
            text = "".join(" " if unicodedata.category(letter)[0] == "P" else letter for letter in text)
        return re.sub(r"\s+", " ", text).strip()

    return normalise


def contains(options: ContainsOptions, bench: Bench) -> Judge:
    """The texts occur in the answer, letter by letter; or, with `absent`, none of them does."""
    if not all(text.strip() for text in options.values):
        raise ValueError("contains: one of `values` is empty, and every answer contains that")

    def judge(reply: Reply) -> Verdict:
        texts = options.values or wanted(options.value, reply)
        if not all(text.strip() for text in texts):
            raise CheckError("the text to be found is empty, and every answer contains that")
        fold = str.casefold if options.ignore_case else str
        answer = fold(reply.text)
        found = {text: fold(text.strip()) in answer for text in texts}
        if options.absent:
            there = [text for text, is_in in found.items() if is_in]
            return passed(not there, f"contains {_shown(there)}")
        missing = [text for text, is_in in found.items() if not is_in]
        # Without `values` the texts are alternatives: any one of several right answers will do.
        every = options.all and bool(options.values)
        ok = not missing if every else len(missing) < len(found)
        return passed(ok, f"does not contain {_shown(missing)}")

    return judge


def equal_as_json(answer: str, right: str) -> bool:
    """Whether both are JSON, the right one an object or a list, and have the same value."""
    if not right.startswith(("{", "[")):
        return False
    try:
        return same_json(strict_json.decode(answer), strict_json.decode(right))
    except ValueError:
        return False


def _shown(texts: list[str]) -> str:
    return " or ".join(repr(text) for text in texts)


KINDS = (
    Kind("exact", "equal to the expected answer, or the same JSON", ExactOptions, exact, expects="expected"),
    Kind(
        "normalised",
        "equal once case, punctuation and white space are made equal",
        NormalisedOptions,
        normalised,
        expects="expected",
    ),
    Kind("contains", "a text occurs in the answer", ContainsOptions, contains, expects="expected"),
)
