"""One test under one prompt, with one value for each variable, as a case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.data.importers import strict_json
from engine.evals.foreign.imported import Imported
from engine.evals.foreign.messages import ask, is_conversation
from engine.evals.foreign.promptfoo.assertions import Reader
from engine.evals.foreign.promptfoo.prompts import Prompt
from engine.evals.foreign.promptfoo.rows import number
from engine.evals.foreign.promptfoo.tests import Test
from engine.evals.foreign.templates import filled, filled_in, shown, variables
from store.records.evals import Case, Origin

_KEYS = {"description", "vars", "assert", "metadata", "threshold", "options", "prompts"}
_APPLIED = {"prefix", "suffix", "disableVarExpansion", "disableDefaultAsserts"}
_WHY = {
    "provider": "who answers is what variants say",
    "providers": "who answers is what variants say",
    "transform": "answers are judged as they are",
    "postprocess": "answers are judged as they are",
    "transformVars": "variables are taken as they are",
    "storeOutputAs": "an answer is no variable of a later case; `turns` of a case are a conversation",
    "rubricPrompt": "a judge here has its own prompt",
}


def case_of(
    test: Test, prompt: Prompt | None, given: Mapping[str, Any], name: str, reader: Reader, imported: Imported
) -> Case:
    """The case. What could not be taken over is noted under its id."""
    raw = test.raw
    said: list[str] = []
    values = variables(given, said.append)
    case = Case(name, origin=Origin("imported", source=imported.source, line=test.number))
    options = raw["options"] if isinstance(raw.get("options"), dict) else {}
    _ask(case, prompt, values, options, said)
    if not (case.input.strip() or case.messages):
        said.append("its question is empty")
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    case.metadata = {**(metadata or {}), **(given if prompt else {})}
    case.threshold = _threshold(raw.get("threshold"), said)
    for one in raw["assert"]:
        case.checks += reader.checks_of(one, values, said.append)
    said += [_left(key) for key in sorted(raw.keys() - _KEYS)]
    said += [_left(f"options.{key}") for key in sorted(options.keys() - _APPLIED)]
    imported.add(case)
    for what in said:
        imported.leave(what, case.id)
    return case


def id_of(test: Test, given: Mapping[str, Any]) -> str:
    """A case's id: of the test's description, else its number."""
    description = test.raw.get("description")
    name = filled(description, given) if isinstance(description, str) else ""
    return re.sub(r"[^\w.-]+", "-", name).strip("-").lower()[:60].strip("-") or f"test-{test.number}"


def _ask(
    case: Case, prompt: Prompt | None, given: dict[str, Any], options: Mapping[str, Any], said: list[str]
) -> None:
    if prompt is None:
        case.input = shown(given["prompt"]) if "prompt" in given else _only(given)
        if len(given) > 1 and "prompt" not in given:
            said.append("there is no prompt to put its variables into: they are asked, a line each")
        return
    asked = filled_in(prompt.what, given, said.append)
    if isinstance(asked, str):
        asked = f"{options.get('prefix') or ''}{asked}{options.get('suffix') or ''}"
        if asked.lstrip().startswith("["):
            asked = _turns(asked)
    ask(case, asked, said.append)


def _turns(text: str) -> Any:
    try:
        value = strict_json.decode(text)
    except ValueError:
        return text
    return value if is_conversation(value) else text


def _only(given: Mapping[str, Any]) -> str:
    if len(given) == 1:
        return shown(next(iter(given.values())))
    return "\n".join(f"{key}: {shown(value)}" for key, value in given.items())


def _threshold(value: Any, said: list[str]) -> float | None:
    if value is None:
        return None
    value = number(value) if isinstance(value, str) else value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    said.append(f"the threshold {value!r} is not between 0 and 1")
    return None


def _left(key: str) -> str:
    why = _WHY.get(key.rpartition(".")[2])
    return f"`{key}`: {why}" if why else f"`{key}`"
