"""OpenAI Evals' registry: a YAML file that says which samples are judged by which class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.evals.foreign.files import json_lines, read_text
from engine.evals.foreign.imported import Imported
from engine.evals.foreign.samples import from_samples
from store.errors import MissingError, UsageError
from store.records.evals import Case, Check

RUBRICS = {
    "fact": "The answer states the same facts as the expected one; it may say less or more, and contradicts "
    "none of them.",
    "closedqa": "The answer is relevant to the question, concise and correct.",
}


def is_registry(raw: Any) -> bool:
    """Whether a YAML file is one of a registry of evals."""
    return isinstance(raw, dict) and bool(_evals(raw))


def from_registry(raw: dict[str, Any], path: Path) -> Imported:
    """The one eval of a registry's file with its samples. Raises UsageError or MissingError."""
    evals = _evals(raw)
    name, entry = next(iter(evals.items()))
    given = entry.get("args")
    args: dict[str, Any] = given if isinstance(given, dict) else {}
    samples = _samples(str(args.get("samples_jsonl") or ""), path)
    imported = from_samples(list(json_lines(read_text(samples), samples)), samples, _check(entry, args))
    imported.suite.name = path.stem
    for case in imported.cases:
        _settle(case, str(entry["class"]).rpartition(":")[2])
    if len(evals) > 1:
        others = ", ".join(list(evals)[1:])
        imported.leave(
            f"further evals of the file ({others}): {name} was taken; name their samples one by one"
        )
    for key in args.keys() - {"samples_jsonl", "modelgraded_spec"}:
        imported.leave(f"`{key}: {args[key]}` of the eval's args")
    _say_of(str(entry["class"]).rpartition(":")[2], args, imported)
    return imported


def _evals(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(name): entry
        for name, entry in raw.items()
        if isinstance(entry, dict) and isinstance(entry.get("class"), str)
    }


def _samples(named: str, path: Path) -> Path:
    """The file of samples: beside the registry's file, or where the registry keeps its data."""
    places = [path.parent / named, path.parent.parent / "data" / named, path.parent / "data" / named]
    for place in places:
        if named and place.is_file():
            return place
    raise MissingError(
        "The samples are not there",
        f"{path.name} names {named or 'none'}; looked for it in {', '.join(str(one) for one in places)}.",
        "Import the samples' file itself, or put it there.",
    )


def _check(entry: dict[str, Any], args: dict[str, Any]) -> Check:
    match str(entry["class"]).rpartition(":")[2]:
        case "Match":
            return Check("regex")  # made out of each case's answers below
        case "Includes":
            return Check("contains", options={"ignore_case": True} if args.get("ignore_case") else {})
        case "FuzzyMatch":
            return Check("contains", options={"ignore_case": True})
        case "JsonMatch":
            return Check("exact")
        case "ModelBasedClassify":
            spec = str(args.get("modelgraded_spec") or "")
            return Check("judge", options={"rubric": RUBRICS.get(spec, f"The answer is right ({spec}).")})
    raise UsageError(
        "That class of evals is none that could be taken over",
        f"{entry['class']} is code of its own.",
        "Import the samples' file itself, and choose `checks` in the suite.",
    )


def _settle(case: Case, name: str) -> None:
    """Match: the answer starts with one of the right ones."""
    for check in case.checks:
        if name == "Match" and check.kind == "regex":
            right = [one for one in [case.expected, *case.alternatives] if one is not None]
            check.options = {"value": rf"\A\s*(?:{'|'.join(map(re.escape, right))})"}
    if name == "Match" and case.expected is None:
        case.checks = []
    case.checks = [Check(one.kind, options=dict(one.options)) for one in case.checks]


def _say_of(name: str, args: dict[str, Any], imported: Imported) -> None:
    if name == "FuzzyMatch":
        imported.leave("FuzzyMatch also passes an answer that is part of the right one: here it must hold it")
    if name == "ModelBasedClassify":
        spec = args.get("modelgraded_spec")
        imported.leave(f"the prompt and choices of `{spec}`: a judge rates by a rubric instead; look at it")
