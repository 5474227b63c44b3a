"""Suites of other tools, taken over: promptfoo YAML, OpenAI Evals JSONL, Inspect-style JSONL.

What has no counterpart here is named, with its place, and never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.adding import free_id
from store.errors import MissingError, UsageError
from store.records.data import Message
from store.records.evals import Case, Check, Origin, Suite


class Imported(msgspec.Struct):
    """A suite as far as it could be taken over; `left` says what could not."""

    suite: Suite
    form: str
    left: list[str] = []


def read_foreign(path: Path) -> Imported:
    """The suite in a file of another tool. Raises MissingError or UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError("No such file", f"{path} is not there.", "Check the path.") from None
    except (UnicodeDecodeError, OSError) as error:
        raise UsageError("The file cannot be read", f"{path}: {error}.", "Name a text file.") from error
    imported = _yaml(text, path) if path.suffix in (".yaml", ".yml") else _jsonl(text, path)
    cases = imported.suite.cases
    assert isinstance(cases, list)
    kept = [case for case in cases if case.checks or imported.suite.checks]
    imported.left += [f"{case.id}: nothing would check it" for case in cases if case not in kept]
    imported.suite.cases = kept
    if not kept:
        raise UsageError(
            "There is nothing to take over",
            "\n".join([f"{path.name} holds no case that could be checked here.", *imported.left[:20]]),
            "Take a promptfoo YAML file with `tests`, or JSONL with `input` and `ideal` or `target`.",
        )
    return imported


def _jsonl(text: str, path: Path) -> Imported:
    rows: list[tuple[int, dict[str, Any]]] = []
    lines = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        try:
            value = strict_json.decode(line)
        except ValueError as error:
            raise UsageError(
                "The file is not JSONL", f"{path}, line {number}: {error}.", "Mend it."
            ) from error
        if not isinstance(value, dict) or "input" not in value:
            raise UsageError(
                "A line is no case",
                f"{path}, line {number}: there is no `input`.",
                "Mend it, or leave it out.",
            )
        rows.append((number, value))
    openai = any("ideal" in row for _, row in rows)
    imported = Imported(Suite(path.stem, [], []), "OpenAI Evals" if openai else "Inspect")
    taken: set[str] = set()
    for number, row in rows:
        case = _row(row, number, path, imported)
        case.id = free_id(case.id, taken)
        taken.add(case.id)
        imported.suite.cases.append(case)  # type: ignore[union-attr]  # made as a list above
    if any(case.expected is not None for case in imported.suite.cases):  # type: ignore[union-attr]  # as above
        imported.suite.checks = [Check("normalised" if openai else "contains")]
        said = "the basic match" if openai else "includes()"
        imported.left.append(
            f"which scorer was meant is not in the file: {said} was taken; change `checks` where another was"
        )
    return imported


_OPENAI = {"input", "ideal", "id"}
_INSPECT = {"input", "target", "choices", "id", "metadata", "sandbox", "files", "setup"}


def _row(row: dict[str, Any], number: int, path: Path, imported: Imported) -> Case:
    case = Case(
        str(row.get("id", f"line-{number}")), origin=Origin("imported", source=path.name, line=number)
    )
    _ask(case, row["input"])
    targets = row.get("ideal", row.get("target"))
    texts = (
        [str(one) for one in targets]
        if isinstance(targets, list)
        else []
        if targets is None
        else [str(targets)]
    )
    if texts:
        case.expected, case.alternatives = texts[0], texts[1:]
    if isinstance(row.get("metadata"), dict):
        case.metadata = row["metadata"]
    if row.get("choices"):
        letters = [chr(ord("A") + at) for at in range(len(row["choices"]))]
        shown = "\n".join(f"{one}) {text}" for one, text in zip(letters, row["choices"], strict=True))
        case.input = f"{case.input}\n\n{shown}" if not case.messages else case.input
        case.checks = [Check("choice", options={"choices": letters})]
    known = _OPENAI if "ideal" in row else _INSPECT
    for key in row.keys() - known:
        case.metadata[key] = row[key]
    for key in ("sandbox", "files", "setup"):
        if row.get(key):
            imported.left.append(f"{case.id}: `{key}`: there are no sandboxes here")
    return case


def _ask(case: Case, asked: Any) -> None:
    """A text, or a conversation as OpenAI's API writes it."""
    if not isinstance(asked, list):
        case.input = asked if isinstance(asked, str) else str(asked)
        return
    messages = []
    for turn in asked:
        role = str(turn.get("role", "user")) if isinstance(turn, dict) else "user"
        content = turn.get("content", "") if isinstance(turn, dict) else turn
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
        role = role if role in ("system", "user", "assistant", "tool") else "system"
        messages.append(Message(role, str(content)))  # type: ignore[arg-type]  # looked at above
    if messages and messages[-1].role == "user":
        case.input, case.before = messages[-1].content, messages[:-1]
    elif messages:
        # OpenAI's older sets write the question as a system message too.
        case.input, case.before = messages[-1].content, messages[:-1]


def _yaml(text: str, path: Path) -> Imported:
    import yaml

    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError("The file is not YAML", f"{path}: {error}", "Mend it there.") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("tests"), list):
        raise UsageError(
            "This is no promptfoo file", f"{path.name} has no list of `tests`.", "Name promptfooconfig.yaml."
        )
    imported = Imported(Suite(path.stem, [], []), "promptfoo")
    given = raw.get("defaultTest")
    defaults: dict[str, Any] = given if isinstance(given, dict) else {}
    prompts = _prompts(raw, imported)
    for key in raw.keys() - {"tests", "prompts", "defaultTest", "description"}:
        imported.left.append(f"`{key}`: who answers and how is what variants in temper.toml say")
    shared = [
        check
        for one in defaults.get("assert", [])
        for check in promptfoo_checks(one, defaults.get("vars", {}), "defaultTest", imported.left)
    ]
    taken: set[str] = set()
    for number, test in enumerate(raw["tests"], start=1):
        if not isinstance(test, dict):
            imported.left.append(f"test {number}: {test!r} points elsewhere")
            continue
        for at, prompt in enumerate(prompts):
            case = _test(test, defaults, number, prompt, path, imported)
            case.id = free_id(case.id if at == 0 else f"{case.id}-prompt-{at + 1}", taken)
            case.checks = [*shared, *case.checks]
            taken.add(case.id)
            imported.suite.cases.append(case)  # type: ignore[union-attr]  # made as a list above
    return imported


def _prompts(raw: dict[str, Any], imported: Imported) -> list[str]:
    found = []
    for one in raw.get("prompts") or []:
        text = one.get("raw") if isinstance(one, dict) else one
        if not isinstance(text, str) or text.startswith("file://") or text.endswith((".txt", ".json", ".py")):
            imported.left.append(f"`prompts`: {one!r} is a file: put its text into a variant's prompt")
        else:
            found.append(text)
    return found or [""]


def _test(
    test: dict[str, Any], defaults: dict[str, Any], number: int, prompt: str, path: Path, imported: Imported
) -> Case:
    given = {**(defaults.get("vars") or {}), **(test.get("vars") or {})}
    name = str(test.get("description") or f"test-{number}")
    case = Case(_id(name), origin=Origin("imported", source=path.name, line=number))
    case.input = filled(prompt, given) if prompt else _only(given)
    case.metadata = {**(test.get("metadata") or {}), **{key: value for key, value in given.items() if prompt}}
    for one in test.get("assert") or []:
        case.checks += promptfoo_checks(one, given, case.id, imported.left)
    for key in test.keys() - {"vars", "assert", "description", "metadata"}:
        imported.left.append(f"{case.id}: `{key}`")
    return case


def filled(prompt: str, given: dict[str, Any]) -> str:
    """A prompt with its {{variables}}; what is more than a name stays as it stands."""
    return re.sub(
        r"\{\{\s*(\w+)\s*\}\}", lambda found: str(given.get(found[1], found[0])), prompt, flags=re.UNICODE
    )


def _only(given: dict[str, Any]) -> str:
    if len(given) == 1:
        return str(next(iter(given.values())))
    return "\n".join(f"{key}: {value}" for key, value in given.items())


def _id(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-").lower()[:60] or "test"


def promptfoo_checks(one: Any, given: dict[str, Any], where: str, left: list[str]) -> list[Check]:
    """The checks that an assertion is here; what has no counterpart is put on `left`."""
    if not isinstance(one, dict) or "type" not in one:
        left.append(f"{where}: {one!r} is no assertion")
        return []
    kind, value = str(one["type"]), one.get("value")
    if isinstance(value, str):
        value = filled(value, given)
    negated = kind.startswith("not-")
    made = _assertion(kind.removeprefix("not-"), value, one, negated)
    if made is None:
        left.append(f"{where}: the assertion `{kind}` has no counterpart here")
        return []
    made.weight = float(one.get("weight", 1))
    for key in one.keys() - {"type", "value", "threshold", "weight", "metric"}:
        left.append(f"{where}: `{key}` of `{kind}`")
    return [made]


def _assertion(kind: str, value: Any, one: dict[str, Any], negated: bool) -> Check | None:
    texts = _texts(value)
    bound = float(one["threshold"]) if isinstance(one.get("threshold"), int | float) else None
    match kind:
        case "contains" | "icontains":
            return Check("contains", options=_contains(texts, kind == "icontains", True, negated))
        case "contains-any" | "icontains-any" if not negated:
            return Check("contains", options=_contains(texts, kind[0] == "i", False, False))
        case "contains-all" | "icontains-all" if not negated:
            return Check("contains", options=_contains(texts, kind[0] == "i", True, False))
        case "regex":
            return Check("regex", options={"value": str(value)} | ({"absent": True} if negated else {}))
        case "is-refusal":
            return Check("refusal", options={"should": "answer" if negated else "refuse"})
    return None if negated else _positive(kind, value, bound)


def _positive(kind: str, value: Any, bound: float | None) -> Check | None:
    text = "" if value is None else str(value)
    match kind:
        case "equals":
            return Check("exact", options={"value": _json_or_text(value)})
        case "starts-with":
            return Check("regex", options={"value": f"^{re.escape(text)}"})
        case "is-json":
            schema = value if isinstance(value, dict) else {"type": ["object", "array"]}
            return Check("json_schema", options={"schema": schema})
        case "similar":
            return Check("similarity", threshold=0.75 if bound is None else bound, options={"value": text})
        case "rouge-l":
            return Check("rouge_l", threshold=0.75 if bound is None else bound, options={"value": text})
        case "bleu":
            return Check("bleu", threshold=0.5 if bound is None else bound, options={"value": text})
        case "latency" if bound:
            return Check("latency", options={"max_ms": bound})
        case "llm-rubric" | "model-graded-closedqa":
            return Check("judge", options={"rubric": text})
    return None


def _contains(texts: Sequence[str], ignore: bool, every: bool, absent: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"values": list(texts)}
    named = {"ignore_case": ignore, "absent": absent}
    return options | {key: True for key, on in named.items() if on} | ({} if every else {"all": False})


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [] if value is None else [str(value)]


def _json_or_text(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else str(value)
