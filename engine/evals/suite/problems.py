"""All that is wrong with a suite, each with its place: first keys and types, then what they say together."""

from __future__ import annotations

import difflib
from collections import Counter
from functools import cache
from typing import Any

import msgspec

from engine.evals.checks import KINDS, Bench, kind_of, problems_of
from engine.evals.identity import slices_of
from engine.evals.suite.choosing import choice_problems, of_choices
from store import settings
from store.records.evals import Case, CasesFrom, Check, Suite

COMMON = tuple(field.name for field in msgspec.structs.fields(Check) if field.name != "options")
"""Keys of every check; the others are its kind's options."""
JUDGES = ("judge", "judge_pairwise")
_NO_CHECK = "no check, neither its own nor the suite's"
_UNCHECKED = "none of the checks counts for it; see their `only`, `without` and `weight`"


def problems_in(raw: Any, bench: Bench, default_judge: bool = False) -> list[str]:
    """Every problem, as `place: what is wrong`; none for a suite that can be used."""
    form = _form(raw)
    return form + _beside(raw, bench) if form else _content(convert(raw), bench, default_judge)


def convert(raw: dict[str, Any]) -> Suite:
    """A suite whose form is right."""
    nested = {**raw, "checks": [nest(check) for check in raw.get("checks", [])]}
    if isinstance(raw["cases"], list):
        nested["cases"] = [
            {**case, "checks": [nest(check) for check in case.get("checks", [])]} for case in raw["cases"]
        ]
    return msgspec.convert(nested, Suite)


def nest(check: dict[str, Any]) -> dict[str, Any]:
    """A check of a file with its kind's keys put under `options`."""
    common = {key: value for key, value in check.items() if key in COMMON}
    return {**common, "options": {key: value for key, value in check.items() if key not in COMMON}}


def _form(raw: Any) -> list[str]:
    """Problems of keys and types."""
    if not isinstance(raw, dict):
        return [
            "expected `name`, `cases` and `checks`"
            + (f", got {type(raw).__name__}" if raw else ": it is empty")
        ]
    problems = []
    for key in ("cases", "checks"):
        entries = raw.get(key, [])
        if key == "cases" and isinstance(entries, dict):
            continue
        if not isinstance(entries, list):
            problems.append(f"{key}: expected a list, got {type(entries).__name__}")
            continue
        for index, entry in enumerate(entries):
            where = _where(key, index, entry)
            problems += _case(entry, where) if key == "cases" else _check(entry, where)
    # What stands in the lists was looked at above, an entry at a time.
    bare = {
        **raw,
        **{key: [] for key in ("cases", "checks") if key in raw and _is_listed(key, raw[key])},
    }
    return problems + settings.check(bare, Suite)


def _is_listed(key: str, value: Any) -> bool:
    """Whether what stands there was looked at already: all but `cases: {dataset: ...}`."""
    return key == "checks" or not isinstance(value, dict)


def _case(entry: Any, where: str) -> list[str]:
    problems: list[str] = []
    if isinstance(entry, dict):
        if isinstance(entry.get("checks"), list):
            for index, check in enumerate(entry["checks"]):
                problems += _check(check, f"{where}.checks[{index}]")
            entry = {**entry, "checks": []}
        for key, value in list(entry.items()):
            if isinstance(key, str) and isinstance(value, list) and key in _LISTS_OF_TABLES:
                for index, one in enumerate(value):
                    if not isinstance(one, dict):
                        problems.append(f"{where}.{key}[{index}]: expected a table, got {type(one).__name__}")
                        entry = {**entry, key: []}
    problems += [_with_hint(problem, where) for problem in settings.check(entry, Case, where)]
    if isinstance(entry, dict) and not {"input", "messages"} & entry.keys():
        problems.append(f"{where}.input: missing")
    return problems


def _with_hint(problem: str, where: str) -> str:
    """A list of answers may be one answer in JSON or several right ones: only its writer knows."""
    if not problem.startswith(f"{where}.expected: ") or "got `array`" not in problem:
        return problem
    return f"{problem}; put further right answers into `alternatives`, or a list in JSON into quotes"


_LISTS_OF_TABLES = ("messages", "before", "tools", "tool_results", "expected_tool_calls")


@cache
def _names(options: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(options)]


def _check(entry: Any, where: str) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{where}: expected a table, got {type(entry).__name__}"]
    if "kind" not in entry:
        return [f"{where}.kind: missing; known here: {', '.join(KINDS)}"]
    if not isinstance(entry["kind"], str):
        return [f"{where}.kind: expected a name, got {entry['kind']!r}; known here: {', '.join(KINDS)}"]
    try:
        kind = kind_of(entry["kind"])
    except ValueError as error:
        return [f"{where}.kind: {error}"]
    options = _names(kind.options)
    known = [*options, *COMMON]
    unknown = [key for key in entry if key not in known]
    problems = []
    for key in unknown:
        close = difflib.get_close_matches(str(key), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"
        problems.append(f"{where}.{key}: unknown key{hint}")
    right = {key: value for key, value in entry.items() if key not in unknown}
    common = nest({key: value for key, value in right.items() if key not in options})
    return (
        problems
        + settings.check(common, Check, where)
        + settings.check({key: right[key] for key in options if key in right}, kind.options, where)
    )


def _beside(raw: Any, bench: Bench) -> list[str]:
    """What can be said already of a suite whose form is wrong in places: of its right checks, and of ids."""
    if not isinstance(raw, dict):
        return []
    cases, checks = (found if isinstance(found := raw.get(key), list) else [] for key in ("cases", "checks"))
    places = [(_where("checks", index, entry), entry) for index, entry in enumerate(checks)]
    ids = []
    for index, case in enumerate(cases):
        ids.append(str(case.get("id", "")) if isinstance(case, dict) else "")
        own = case.get("checks") if isinstance(case, dict) else None
        for at, entry in enumerate(own if isinstance(own, list) else []):
            places.append((f"{_where('cases', index, case)}.checks[{at}]", entry))
    numbers = [
        value if isinstance(value := raw.get(key), kind) else None
        for key, kind in (("epochs", int), ("threshold", int | float))
    ]
    right = [(where, entry) for where, entry in places if not _check(entry, where)]
    said = [(where, problems_of(msgspec.convert(nest(entry), Check), bench)) for where, entry in right]
    told = [f"{where}: {problem}" for where, found in said for problem in found]
    return _out_of_range(*numbers) + _twice(ids) + told


def _out_of_range(epochs: float | None, threshold: float | None) -> list[str]:
    problems = []
    if epochs is not None and epochs < 1:
        problems.append(f"epochs: {epochs} is less than 1")
    if threshold is not None and not 0 <= threshold <= 1:
        problems.append(f"threshold: {threshold} is not between 0 and 1")
    return problems


def _twice(ids: list[str]) -> list[str]:
    """Ids of cases that stand more than once, each where it stands last."""
    counts = Counter(ids)
    return [
        f"cases[{index}] ({one}): the id {one!r} stands {count} times"
        for index, one in reversed(list(enumerate(ids)))
        if one and (count := counts.pop(one, 1)) > 1
    ]


def _content(suite: Suite, bench: Bench, default_judge: bool) -> list[str]:
    """Problems of a suite whose form is right: what it names must exist and make sense."""
    problems = _out_of_range(suite.epochs, suite.threshold)
    problems += of_choices(suite.choices, suite.per_byte) if suite.choices else []
    checks = [(f"checks[{index}]", check) for index, check in enumerate(suite.checks)]
    if isinstance(suite.cases, CasesFrom):
        if not suite.checks:
            problems.append("checks: none, so nothing would be tested")
    else:
        for index, case in enumerate(suite.cases):
            where = f"cases[{index}] ({case.id})"
            checks += [(f"{where}.checks[{number}]", check) for number, check in enumerate(case.checks)]
    for where, check in checks:
        problems += [f"{where}: {problem}" for problem in problems_of(check, bench)]
        if check.kind in JUDGES and suite.judge is None and not default_judge:
            problems.append(f"{where}: nobody judges; add `judge: {{model: NAME}}`, or `judge` to [defaults]")
    if isinstance(suite.cases, list):
        problems += _cases(suite.cases, suite)
    return problems


def _cases(cases: list[Case], suite: Suite) -> list[str]:
    problems = [] if cases else ["cases: none; an empty suite tests nothing"]
    problems += _twice([case.id for case in cases])
    shared = suite.checks
    for index, case in enumerate(cases):
        where = f"cases[{index}] ({case.id})"
        if not case.id.strip():
            problems.append(f"{where}.id: empty")
        if case.messages and (case.input or case.before):
            problems.append(f"{where}.messages: beside `input` or `before`; a case asks one of them")
        if case.messages and case.messages[-1].role not in ("user", "tool"):
            problems.append(f"{where}.messages: the last one must ask, so it must be from user or tool")
        if case.threshold is not None and not 0 <= case.threshold <= 1:
            problems.append(f"{where}.threshold: {case.threshold} is not between 0 and 1")
        applied = [check for check in [*shared, *case.checks] if _applies(check, case)]
        if not any(check.weight for check in applied):
            problems.append(f"{where}: {_UNCHECKED if shared or case.checks else _NO_CHECK}")
        problems += [f"{where}: {problem}" for problem in _lacks(case, applied)]
        problems += [f"{where}.{problem}" for problem in choice_problems(case, suite)]
    return problems


def _lacks(case: Case, checks: list[Check]) -> list[str]:
    """What checks need and the case does not have."""
    found: dict[str, str] = {}
    for check in checks:
        expects = KINDS[check.kind].expects if check.kind in KINDS else ""
        own = check.options.get("value") is not None or bool(check.options.get("values"))
        if not expects or own:
            continue
        value = getattr(case, expects)
        if value is None or (expects == "expected_sources" and not value):
            found[check.kind] = f"`{check.kind}` has nothing to compare with; add `{expects}`"
    return [found[kind] for kind in sorted(found)]


def _applies(check: Check, case: Case) -> bool:
    slices = slices_of(case)
    return (not check.only or any(one in slices for one in check.only)) and not any(
        one in slices for one in check.without
    )


def _where(key: str, index: int, entry: Any) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"{key}[{index}] ({name})" if name else f"{key}[{index}]"
