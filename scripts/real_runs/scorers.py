"""Scorers on whole public sets: what is right must score, what is planted wrong must not.

GSM8K and BBH by their own answers, as they stand and as chat models word them; BFCL's gold calls as JSON and
as Python, alone and in parallel, with a fault planted in every place; draft 7's tests and MaskBench's
instances by the check of JSON Schema. What other programs say of the same is not asked here: decision 0026.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.evals.checks import CompiledCheck, compile_checks
from engine.evals.checks.calls import Call
from engine.evals.checks.validating import validator_of
from scripts.real_runs.commands import Commands
from store.records.evals import Case, Check, ExpectedCall

WORDED = ("The answer is {}.", "Step by step.\n\nFinal answer: **{}**", r"So it is \boxed{{{}}}.", "{}")
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """The gate: nothing right is failed, nothing wrong passed."""
    parts = {
        "GSM8K, BBH": answers(data),
        "BFCL": calls(data / "instruct" / "bfcl"),
        "JSON Schema": schemas(data / "instruct"),
    }
    figures: dict[str, Any] = {}
    for name, counts in parts.items():
        for what, count in sorted(counts.items()):
            figures[f"{name}: {what}"] = count
    return figures | {"passed": not any("WRONG" in what for what in figures)}


def answers(data: Path) -> Counter[str]:
    """GSM8K's and BBH's own answers, worded in ways, and each with a letter or digit too much."""
    counts: Counter[str] = Counter()
    numeric, strict, exact, choice = (
        check_of("numeric"),
        check_of("numeric", extract="gsm8k"),
        check_of("exact", after="answer is"),
        check_of("choice"),
    )
    for line in (data / "instruct/gsm8k/train.jsonl").read_text(encoding="utf-8").splitlines():
        solution = json.loads(line)["answer"]
        steps, _, final = solution.rpartition("#### ")
        for check in (strict, numeric):
            note(counts, "own solutions", check, solution, final, True)
            note(counts, "solutions with a digit more", check, f"{solution}1", final, False)
        for words in WORDED:
            note(counts, "worded numbers", numeric, steps + words.format(final), final, True)
    for file in sorted((data / "forgetting/bbh").glob("*.json")):
        for row in json.loads(file.read_text(encoding="utf-8"))["examples"]:
            target = row["target"]
            note(counts, "BBH targets", exact, f"So the answer is {target}.", target, True)
            note(
                counts, "BBH targets with a letter more", exact, f"So the answer is {target}x.", target, False
            )
            if target.startswith("("):
                for words in WORDED:
                    note(counts, "worded choices", choice, words.format(target), target, True)
    return counts


def calls(folder: Path) -> Counter[str]:
    """BFCL's gold calls, alone and two in parallel, and every fault that can be planted into one."""
    counts: Counter[str] = Counter()
    check, ordered = check_of("tool_call"), check_of("tool_call", ordered=True)
    before: tuple[Case, Call] | None = None
    for case, call in questions(folder):
        for text in (as_json([call]), as_python([call])):
            count(counts, "gold calls", check.result(text, case).passed, True)
        for what, wrong in planted(case, call):
            count(counts, f"planted: {what}", check.result(as_json(wrong), case).passed, False)
        # A function has one description: two of a name cannot be on offer at once.
        if before is not None and before[1][0] not in [tool["name"] for tool in case.tools]:
            both = parallel(before[0], case)
            swapped = as_json([call, before[1]])
            count(counts, "gold calls in parallel", check.result(swapped, both).passed, True)
            count(counts, "planted: order, where it counts", ordered.result(swapped, both).passed, False)
            for text in (as_json([call]), as_json([call, call]), as_json([before[1], call, call])):
                count(counts, "planted: count in parallel", check.result(text, both).passed, False)
        before = case, call
    return counts


def schemas(folder: Path) -> Counter[str]:
    """Draft 7's own tests without those of other documents, and MaskBench's instances."""
    counts: Counter[str] = Counter()
    for file in sorted((folder / "json_schema_draft7/draft7").glob("*.json")):
        for group in [] if file.name == "refRemote.json" else json.loads(file.read_text(encoding="utf-8")):
            schema = group["schema"]
            if isinstance(schema, dict) and "$ref" not in schema:
                schema = {"$schema": DRAFT_7, **schema}
            validate = validator_of(schema)
            for test in group["tests"]:
                count(counts, "draft 7 tests", not validate(test["data"]), test["valid"])
    for line in (folder / "maskbench/maskbench_dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        validate = validator_of(row["schema"])
        for test in row["tests"]:
            count(counts, "MaskBench instances", not validate(test["data"]), test["valid"])
    return counts


def check_of(kind: str, **options: Any) -> CompiledCheck:
    """One check, ready to use."""
    [compiled] = compile_checks([Check(kind, options=options)])
    return compiled


def note(
    counts: Counter[str], what: str, check: CompiledCheck, answer: str, expected: str, right: bool
) -> None:
    """Judge an answer and count whether that was right."""
    count(counts, what, check.result(answer, Case("c", "?", expected)).passed, right)


def count(counts: Counter[str], what: str, passed: bool, right: bool) -> None:
    """Count a verdict by whether it is the right one."""
    counts[what if passed is right else f"{what}, WRONG"] += 1


def questions(folder: Path) -> Iterator[tuple[Case, Call]]:
    """Each question as a case, with a gold call made of its first right values."""
    for file in sorted(folder.glob("BFCL_v4_*.json")):
        gold = {}
        for line in (folder / "possible_answer" / file.name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            gold[row["id"]] = row["ground_truth"]
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            [(function, accepts)] = gold[row["id"]][0].items()
            expected = [ExpectedCall(function, accepts=accepts)]
            case = Case(row["id"], "?", tools=row["function"], expected_tool_calls=expected)
            yield case, (function, {key: first(values) for key, values in accepts.items() if values != [""]})


def first(values: list[Any]) -> Any:
    """A right value, with the first of each inner list of alternatives."""
    value = next(one for one in values if one != "")
    if isinstance(value, dict):
        return {key: first(inner) for key, inner in value.items() if inner != [""]}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [{key: first(inner) for key, inner in one.items()} for one in value]
    return value


def parallel(one: Case, other: Case) -> Case:
    """Two questions asked at once."""
    right = [*(one.expected_tool_calls or []), *(other.expected_tool_calls or [])]
    return Case("both", "?", tools=[*one.tools, *other.tools], expected_tool_calls=right)


def planted(case: Case, call: Call) -> Iterator[tuple[str, list[Call]]]:
    """Each fault that can be planted into a gold call."""
    name, arguments = call
    [expected] = case.expected_tool_calls or []
    described = next(tool for tool in case.tools if tool["name"] == name)["parameters"]
    yield "another function", [(f"{name}_x", arguments)]
    yield "the function's name in other letters", [(name.swapcase(), arguments)]
    yield "an argument more", [(name, {**arguments, "planted": 1})]
    yield "no call", []
    yield "the call twice", [call, call]
    for key in described.get("required", []):
        yield "an argument missing", [(name, {one: arguments[one] for one in arguments if one != key})]
    for key, value in arguments.items():
        wrong = "no object" if isinstance(value, dict) else {"x": "y"}
        yield "a wrong type", [(name, {**arguments, key: wrong})]
        renamed = {key.swapcase() if one == key else one: other for one, other in arguments.items()}
        yield "an argument's name in other letters", [(name, renamed)]
        for what, other in (("null", None), ("a list of it", [value]), ("an object of it", {"value": value})):
            yield f"{what} in place of a value", [(name, {**arguments, key: other})]
        if not isinstance(value, str):
            yield "a value as a text", [(name, {**arguments, key: json.dumps(value)})]
        if isinstance(value, list) and value[::-1] not in [value, *expected.accepts[key]]:
            yield "a list the other way round", [(name, {**arguments, key: value[::-1]})]
        for other in changed(value):
            if other not in expected.accepts[key]:
                yield "a wrong value", [(name, {**arguments, key: other})]
        for inside in changed_inside(value):
            yield "a wrong value inside", [(name, {**arguments, key: inside})]


def changed(value: Any) -> Iterator[Any]:
    """Other values of the same type."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 987_654, -value - 1)
        case str():
            yield from (f"{value} qqq", value[:-1] + "\u0416")
        case list():
            yield [*value, *value, "q"]
        case _:
            yield {**value, "planted": 1}


def changed_inside(value: Any) -> Iterator[Any]:
    """An object, or the objects of a list, with one value changed or left out that may not be."""
    places = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for at, place in enumerate(places):
        for key in place if isinstance(place, dict) else []:
            whole = copy.deepcopy(value)
            (whole if isinstance(value, dict) else whole[at])[key] = ["planted", "qqq"]
            yield whole


def as_json(made: list[Call]) -> str:
    """Calls as JSON."""
    return json.dumps([{"name": name, "arguments": arguments} for name, arguments in made])


def as_python(made: list[Call]) -> str:
    """Calls as Python."""
    texts = [f"{name}({', '.join(f'{key}={value!r}' for key, value in args.items())})" for name, args in made]
    return f"[{', '.join(texts)}]"
