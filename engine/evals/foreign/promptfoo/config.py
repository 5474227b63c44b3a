"""A configuration of promptfoo as a suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.evals.foreign.files import is_reference, read_value
from engine.evals.foreign.imported import Imported, started
from engine.evals.foreign.promptfoo.assertions import Reader
from engine.evals.foreign.promptfoo.cases import case_of, id_of
from engine.evals.foreign.promptfoo.prompts import Prompt, read_prompts
from engine.evals.foreign.promptfoo.tests import Test, expanded, read_tests, scenarios, under, variables_of
from store.errors import UsageError

_KNOWN = {"tests", "scenarios", "prompts", "defaultTest", "description", "evaluateOptions", "$schema"}
_KNOWN |= {"assertionTemplates"}
_VARIANTS = "who answers and how is what variants in temper.toml say"
_WHY = {
    "providers": _VARIANTS,
    "targets": _VARIANTS,
    "env": _VARIANTS,
    "nunjucksFilters": "filters of one's own are code",
    "extensions": "hooks are code",
    "derivedMetrics": "scores are means of checks and the share that passes",
    "redteam": "attacks are not made here",
    "outputPath": "temper eval export writes results",
}


def are_tests(rows: Sequence[Any]) -> bool:
    """Whether a list is one of promptfoo's tests."""
    return any(isinstance(row, dict) and {"vars", "assert"} & row.keys() for row in rows)


def from_tests(tests: list[Any], path: Path) -> Imported:
    """Tests without their configuration: what they ask is their variables."""
    return from_config({"tests": tests}, path)


def from_config(raw: dict[str, Any], path: Path) -> Imported:
    """All tests of a configuration under all of its prompts. Raises UsageError."""
    imported = started(path, "promptfoo")
    folder = path.parent
    prompts: list[Prompt | None] = [*read_prompts(raw.get("prompts"), folder, imported)]
    for key in sorted(map(str, raw.keys() - _KNOWN)):
        imported.leave(f"`{key}`: {_WHY[key]}" if key in _WHY else f"`{key}`")
    _options(raw.get("evaluateOptions"), imported)
    default = _default(raw.get("defaultTest"), folder, imported)
    tests = read_tests(raw.get("tests"), folder, imported)
    tests += [
        Test(one.raw, one.number + len(tests), one.folders)
        for one in scenarios(raw.get("scenarios"), folder, imported)
    ]
    for test in tests:
        test.raw = under(default, test.raw)
        _take(test, prompts or [None], Reader(raw, test.folders), imported)
    return imported


def _take(test: Test, prompts: Sequence[Prompt | None], reader: Reader, imported: Imported) -> None:
    """A test under every prompt that it is meant for, and with every combination of its variables."""
    options = test.raw["options"] if isinstance(test.raw.get("options"), dict) else {}
    wanted = test.raw.get("prompts")
    labels = [wanted] if isinstance(wanted, str) else wanted or []
    own = [one for one in prompts if not labels or (one and _is_meant(one, labels))]
    name = f"test-{test.number}"
    if not own:
        imported.leave(f"none of its prompts ({', '.join(map(str, labels))}) is there", name)
    for given in expanded(variables_of(test, imported, name), options):
        group = ""
        for at, prompt in enumerate(own):
            wished = id_of(test, given) + (f"-prompt-{at + 1}" if at else "")
            case = case_of(test, prompt, given, wished, reader, imported)
            if len(prompts) > 1 and prompt:
                # One question under several prompts: not independent of each other, and compared by slice.
                group = group or case.id
                case.group = group if len(own) > 1 else ""
                case.slices = {"prompt": prompt.label or f"prompt-{prompts.index(prompt) + 1}"}


def _is_meant(prompt: Prompt, labels: Sequence[Any]) -> bool:
    # "-": the second prompt of a file that holds several under one label
    groups = [str(one).removesuffix(":*") for one in labels]
    return any(prompt.label == one or prompt.label.startswith((f"{one}:", f"{one}-")) for one in groups)


def _default(given: Any, folder: Path, imported: Imported) -> dict[str, Any]:
    if is_reference(given):
        path = folder / given.removeprefix("file://")
        given = read_value(path)
    if given is not None and not isinstance(given, dict):
        imported.leave("`defaultTest` that is no object")
    return given if isinstance(given, dict) else {}


def _options(given: Any, imported: Imported) -> None:
    """How often a test is asked is kept, the rest is of how promptfoo runs."""
    if not isinstance(given, dict):
        return
    repeat = given.get("repeat")
    if isinstance(repeat, int) and not isinstance(repeat, bool) and repeat > 1:
        imported.suite.epochs = repeat
    elif repeat not in (None, 1):
        raise UsageError("`repeat` is no number of times", f"Got {repeat!r}.", "Mend evaluateOptions.repeat.")
    for key in sorted(given.keys() - {"repeat"}):
        imported.leave(f"`evaluateOptions.{key}`")
