"""OpenAI Evals' registry: a YAML file that says which samples are judged by which class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.evals.foreign.files import json_lines, read_text
from engine.evals.foreign.imported import Imported, started
from engine.evals.foreign.samples import from_samples
from store.errors import MissingError, TemperError, UsageError
from store.records.evals import Case, Check

_TAKEN = {"samples_jsonl", "samples_renamings", "modelgraded_spec", "modelgraded_spec_file"}
RUBRICS = {
    "fact": "The answer states the same facts as the expected one; it may say less or more, and contradicts "
    "none of them.",
    "closedqa": "The answer is relevant to the question, concise and correct.",
}


def is_registry(raw: Any) -> bool:
    """Whether a YAML file is one of a registry of evals."""
    return isinstance(raw, dict) and bool(_evals(raw))


def from_registry(raw: dict[str, Any], path: Path) -> Imported:
    """The evals of a registry's file with their samples; of several, each is a slice.

    Raises UsageError or MissingError where none can be taken.
    """
    evals = _evals(raw)
    whole = started(path, "OpenAI Evals")
    first: TemperError | None = None
    for name, entry in evals.items():
        try:
            imported = _one(entry, path)
        except (UsageError, MissingError) as error:
            first = first or error
            whole.leave(f"the eval {name}: {error.happened}")
            continue
        for case in imported.cases:
            if len(evals) > 1:
                case.slices = {"eval": name.partition(".")[0]}
            before = case.id
            whole.add(case)
            for one in imported.left:
                if before in one.cases:
                    whole.leave(one.what, case.id)
        for one in imported.left:
            if not one.cases:
                whole.leave(f"{name}: {one.what}" if len(evals) > 1 else one.what)
    if not whole.cases and first is not None:
        raise first
    return whole


def _one(entry: dict[str, Any], path: Path) -> Imported:
    given = entry.get("args")
    args: dict[str, Any] = given if isinstance(given, dict) else {}
    name = str(entry["class"]).rpartition(":")[2]
    samples = _samples(str(args.get("samples_jsonl") or ""), path)
    rows = [(line, _renamed(row, args)) for line, row in json_lines(read_text(samples), samples)]
    imported = from_samples(rows, samples, _check(entry, args))
    for case in imported.cases:
        _settle(case, name)
    for key in args.keys() - _TAKEN:
        imported.leave(f"`{key}: {args[key]}` of the eval's args")
    _say_of(name, args, imported)
    return imported


def _renamed(row: Any, args: dict[str, Any]) -> Any:
    """A row under the names that the eval gives its keys."""
    names = args.get("samples_renamings")
    if not isinstance(row, dict) or not isinstance(names, dict):
        return row
    return {str(names.get(key, key)): value for key, value in row.items()}


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
            spec = _spec(args)
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
        spec = _spec(args)
        imported.leave(f"the prompt and choices of `{spec}`: a judge rates by a rubric instead; look at it")


def _spec(args: dict[str, Any]) -> str:
    return str(args.get("modelgraded_spec") or args.get("modelgraded_spec_file") or "")
