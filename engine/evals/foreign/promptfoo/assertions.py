"""An assertion of promptfoo as a check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench
from engine.evals.checks.json_schema import load_schema
from engine.evals.checks.patterns import Pattern
from engine.evals.foreign.files import YAML, found, is_code, is_reference, read_text, read_value
from engine.evals.foreign.promptfoo.rows import LISTS, parted
from engine.evals.foreign.promptfoo.scripts import checks_of as checks_of_script
from engine.evals.foreign.templates import filled_in, shown
from store.errors import TemperError
from store.records.evals import Check

KNOWN = {
    "agent-rubric", "answer-relevance", "assert-set", "bleu", "classifier", "contains", "contains-all",
    "contains-any", "contains-html", "contains-json", "contains-sql", "contains-xml",
    "context-faithfulness", "context-recall", "context-relevance", "conversation-relevance", "cost",
    "equals", "factuality", "finish-reason", "g-eval", "gleu", "guardrails", "human", "icontains",
    "icontains-all", "icontains-any", "is-html", "is-json", "is-refusal", "is-sql",
    "is-valid-function-call", "is-valid-openai-function-call", "is-valid-openai-tools-call", "is-xml",
    "javascript", "latency", "levenshtein", "llm-rubric", "max-score", "meteor", "model-graded-closedqa",
    "model-graded-factuality", "moderation", "perplexity", "perplexity-score", "pi", "python", "regex",
    "rouge-l", "rouge-n", "rouge-s", "ruby", "search-rubric", "select-best", "similar", "starts-with",
    "skill-used", "tool-call-f1", "trace-error-spans", "trace-span-count", "trace-span-duration",
    "trajectory:goal-success", "trajectory:step-count", "trajectory:tool-args-match",
    "trajectory:tool-sequence", "trajectory:tool-used", "webhook", "word-count",
}  # fmt: skip
"""Assertions of promptfoo, whether they have a counterpart here or not."""
_KEYS = {"type", "value", "threshold", "weight", "metric"}
_CODE = ("javascript", "python", "ruby")
_JSON_TYPES = ["object", "array", "string", "number", "boolean", "null"]
Say = Callable[[str], None]


class UnfitError(Exception):
    """The assertion has no counterpart; the text says why, behind its name."""


class Reader:
    """Assertions of one configuration. `raw` is all of it, for `$ref`; `folders` is where files are."""

    def __init__(self, raw: Any, folders: list[Path]) -> None:
        self._raw = raw
        self._folders = folders

    def checks_of(self, one: Any, given: Mapping[str, Any], say: Say) -> list[Check]:
        """The checks that an assertion is here. `say` is told what could not be taken over."""
        if isinstance(one, dict) and isinstance(one.get("$ref"), str):
            one = self._referred(one["$ref"]) or one
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            say(f"{msgspec.json.encode(one, enc_hook=str).decode()[:80]} is no assertion")
            return []
        kind = one["type"]
        if kind == "assert-set":
            return self._set(one, given, say)
        try:
            checks = self._script(kind, one, given, say) or [self._check(kind, one, given, say)]
        except UnfitError as error:
            say(f"the assertion `{kind}` {error}")
            return []
        weight = _number(one.get("weight"), 1.0, f"the weight of `{kind}`", say) or 0.0
        for check in checks:
            check.weight = weight / len(checks)
            check.name = str(filled_in(one.get("metric") or "", given))
        for key in sorted(one.keys() - _KEYS):
            why = ": answers are judged as they are" if "ransform" in key else ""
            say(f"`{key}` of `{kind}`{why}")
        return checks

    def _script(self, kind: str, one: dict[str, Any], given: Mapping[str, Any], say: Say) -> list[Check]:
        """The checks that an assertion in code is where it says no more than they can; else none."""
        source = one.get("value")
        if kind.removeprefix("not-") not in ("javascript", "python") or not isinstance(source, str):
            return []
        checks = checks_of_script(filled_in(source, given, say))
        if kind.startswith("not-"):
            if len(checks) > 1:
                return []
            for check in checks:
                check.negate = not check.negate
        return checks

    def _set(self, one: dict[str, Any], given: Mapping[str, Any], say: Say) -> list[Check]:
        """A set that must pass as a whole is its assertions, which share its weight and its metric's name."""
        inner = one.get("assert")
        if not isinstance(inner, list):
            say("the assertion `assert-set` has no list `assert`")
            return []
        if one.get("threshold") is not None:
            say("the assertion `assert-set` passes in part at its `threshold`, which no check does")
            return []
        checks = [check for each in inner for check in self.checks_of(each, given, say)]
        whole = sum(check.weight for check in checks)
        weight = _number(one.get("weight"), 1.0, "the weight of `assert-set`", say) or 0.0
        for check in checks:
            check.weight = weight * check.weight / whole if whole else 0.0
            check.name = check.name or str(filled_in(one.get("metric") or "", given))
        for key in sorted(one.keys() - _KEYS - {"assert"}):
            say(f"`{key}` of `assert-set`")
        return checks

    def _check(self, kind: str, one: dict[str, Any], given: Mapping[str, Any], say: Say) -> Check:
        bare = kind.removeprefix("not-")
        if bare in _CODE:
            raise UnfitError("is code: write it again as a function of the workspace, `kind: python`")
        value = self._value(filled_in(one.get("value"), given, say))
        bound = _number(one.get("threshold"), None, f"the threshold of `{kind}`", say)
        negated = kind != bare
        check = _texts_check(bare, value, negated) or _positive(bare, value, bound)
        if check is None:
            raise UnfitError(
                "has no counterpart here" if bare in KNOWN else "is none of promptfoo's known here"
            )
        if check.threshold is not None and check.threshold > 1:
            say(f"the threshold of `{kind}` is {check.threshold:g}, not between 0 and 1: left out")
            check.threshold = None
        if negated and not check.options.get("absent") and check.kind != "refusal":
            check.negate = True
        if negated and check.kind == "refusal":
            check.options = {"should": "answer"}
        return check

    def _value(self, value: Any) -> Any:
        """A value, or what is in the file that it names."""
        if not is_reference(value):
            return value
        if is_code(value):
            raise UnfitError(f"is code ({value}), which is not run")
        files = [path for folder in self._folders for path in found(value, folder)]
        if not files:
            raise UnfitError(f"names {value}, which is not there")
        try:
            return read_value(files[0]) if files[0].suffix in (*YAML, ".json") else read_text(files[0])
        except TemperError as error:
            raise UnfitError(f"names a file that cannot be read: {error.happened}") from error

    def _referred(self, reference: str) -> Any:
        """What `#/a/b` means in the configuration; None where it means nothing."""
        value = self._raw
        for key in reference.removeprefix("#/").split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        return value


def _texts_check(kind: str, value: Any, negated: bool) -> Check | None:
    """Assertions about texts that occur."""
    if kind in LISTS and isinstance(value, str):
        value = parted(value)
    texts = [shown(one) for one in value] if isinstance(value, list) else [shown(value)]
    match kind:
        case "contains" | "icontains" | "contains-any" | "icontains-any" | "contains-all" | "icontains-all":
            if not any(texts):
                raise UnfitError("has no value")
            # None of them occurs: that is the opposite of any, and for one text that of all.
            absent = negated and (not kind.endswith("-all") or len(texts) == 1)
            options: dict[str, Any] = {"values": texts}
            if kind.endswith("-any") and not absent:
                options["all"] = False
            named = {"ignore_case": kind.startswith("i"), "absent": absent}
            return Check("contains", options=options | {key: True for key, on in named.items() if on})
        case "regex" | "starts-with":
            if not shown(value):
                raise UnfitError("has no value")
            pattern = shown(value) if kind == "regex" else rf"\A{re.escape(shown(value))}"
            try:
                Pattern(pattern)
            except ValueError as error:
                raise UnfitError(str(error)) from error
            return Check("regex", options={"value": pattern} | ({"absent": True} if negated else {}))
    return None


def _positive(kind: str, value: Any, bound: float | None) -> Check | None:
    text = "\n".join(map(shown, value)) if isinstance(value, list) else shown(value)
    match kind:
        case "equals":
            return Check("exact", options={"value": shown(value)})
        case "is-json" | "contains-json":
            within = {"within": True} if kind == "contains-json" else {}
            return Check("json_schema", options={"schema": _schema(value), **within})
        case "similar" | "rouge-l" | "bleu":
            if isinstance(value, list) and len(value) != 1:
                raise UnfitError("has several right texts, of which a check has one")
            name = {"similar": "similarity", "rouge-l": "rouge_l", "bleu": "bleu"}[kind]
            usual = 0.5 if kind == "bleu" else 0.75
            return Check(name, threshold=usual if bound is None else bound, options={"value": text})
        case "latency":
            if not bound or bound <= 0:
                raise UnfitError("has no `threshold` in milliseconds")
            return Check("latency", options={"max_ms": bound})
        case "word-count":
            return Check("length", options=_words(value))
        case "is-refusal":
            return Check("refusal", options={"should": "refuse"})
    return _judged(kind, text, bound)


def _judged(kind: str, text: str, bound: float | None) -> Check | None:
    """Assertions that ask a model."""
    rubrics = {
        "llm-rubric": "{}",
        "model-graded-closedqa": "{}",
        "g-eval": "{}",
        "factuality": "The facts of the answer agree with these, and contradict none: {}",
        "model-graded-factuality": "The facts of the answer agree with these, and contradict none: {}",
    }
    if kind not in rubrics:
        return None
    if not text.strip():
        raise UnfitError("has no value, so that nobody knows what makes an answer good")
    usual = 0.7 if kind == "g-eval" else None
    return Check(
        "judge", threshold=usual if bound is None else bound, options={"rubric": rubrics[kind].format(text)}
    )


def _schema(value: Any) -> dict[str, Any]:
    """The schema that an assertion gives, itself or as text; of any JSON where it gives none."""
    if isinstance(value, str) and value.strip():
        try:
            value = strict_json.decode(value)
        except ValueError as error:
            raise UnfitError(f"has a schema that is {error}") from error
    if not value:
        return {"type": _JSON_TYPES}
    if not isinstance(value, dict):
        raise UnfitError("has a schema that is no object")
    try:
        load_schema(value, Bench())
    except ValueError as error:
        raise UnfitError(f"has a schema that {error}") from error
    return value


def _words(value: Any) -> dict[str, Any]:
    """`value` is a number of words, or {min, max}."""
    if isinstance(value, dict):
        options = {key: int(value[key]) for key in ("min", "max") if isinstance(value.get(key), int)}
    else:
        text = shown(value)
        options = {"min": int(text), "max": int(text)} if text.isdigit() else {}
    if not options:
        raise UnfitError("has no number of words")
    return options


def _number(value: Any, usual: float | None, what: str, say: Say) -> float | None:
    """A number that is not below 0, or `usual`."""
    try:
        found = usual if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = -1.0
    if found is not None and not found >= 0:
        say(f"{what} is {value!r}: left out")
        return usual
    return found
