"""A failed case of a run, or a served request, becomes a case of a suite and remembers where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.evals import stored
from engine.evals.identity import case_hash
from engine.evals.suite import LoadedSuite, load_suite
from engine.evals.suite.writing import suite_text, with_case
from store import atomic
from store.errors import MissingError, UsageError
from store.paths import WorkspacePaths
from store.records.data import Message
from store.records.evals import Case, CaseResult, CasesFrom, Check, Origin, Suite
from store.records.traces import Trace
from store.runs import RunFolder

_traces = msgspec.json.Decoder(Trace)


def find_result(folder: RunFolder, case: str, variant: str = "") -> CaseResult:
    """The result of a case in a run; of several the first that failed. Raises MissingError without one."""
    found = [one for one in stored.read(folder.results) if one.case == case]
    if variant:
        found = [one for one in found if one.variant == variant]
    if not found:
        whose = f" of {variant}" if variant else ""
        raise MissingError(
            "No such case in that run",
            f"{folder.run_id} has no result of {case}{whose}.",
            'See them: temper sql "SELECT run_id, case_id, passed FROM eval_results"',
        )
    return next((one for one in found if not one.passed), found[0])


def case_of_result(result: CaseResult, run_id: str, loaded: LoadedSuite | None) -> Case:
    """The case behind a result: as its suite has it, where that still asks the same; else as it was asked."""
    origin = Origin(kind="failure", run=run_id, variant=result.variant, case=result.case)
    cases = loaded.suite.cases if loaded is not None and isinstance(loaded.suite.cases, list) else []
    for case in cases:
        if case.id == result.case and result.case_hash in ("", case_hash(case)):
            return msgspec.structs.replace(case, origin=origin)
    return Case(
        result.case,
        result.input,
        result.expected,
        tags=result.tags,
        before=result.messages if not _asks(result.messages) else [],
        messages=result.messages if _asks(result.messages) else [],
        metadata=result.metadata,
        expected_sources=result.expected_sources,
        expected_tool_calls=result.expected_tool_calls,
        origin=origin,
    )


def find_trace(paths: WorkspacePaths, trace_id: str) -> Trace:
    """A served request by its id, or the beginning of it. Raises MissingError or UsageError."""
    found: dict[str, Trace] = {}
    for path in sorted(paths.traces.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            if trace_id.encode() not in line:
                continue
            try:
                trace = _traces.decode(line)
            except msgspec.MsgspecError:
                continue
            if trace.trace_id.startswith(trace_id):
                found[trace.trace_id] = trace
    if not found:
        raise MissingError("No such trace", f"No request is called {trace_id!r}.", "See: temper sql")
    if len(found) > 1 and trace_id not in found:
        raise UsageError(
            "More than one trace fits", f"{trace_id!r} fits {len(found)}.", "Type more of the id."
        )
    return found.get(trace_id) or next(iter(found.values()))


def case_of_trace(trace: Trace, expected: str | None) -> Case:
    """A served request as a case; its right answer is `expected`, or unknown."""
    *before, last = trace.messages
    case = Case(trace.trace_id, expected=expected)
    if last.role == "user":
        case.input, case.before = last.content, before
    else:
        case.messages = trace.messages
    case.metadata = {"output": trace.answer}
    case.origin = Origin(kind="trace", trace=trace.trace_id, variant=trace.variant)
    return case


def add_case(path: Path, root: Path, case: Case, checks: Sequence[Check] = ()) -> Case:
    """Write a case into the suite in `path`, which is made with `checks` where it is not there yet.

    Returns the case as it was written: its id is made another one where it stands already. Raises UsageError
    where the suite would not be right then, and leaves it as it was.
    """
    if not path.exists():
        text = suite_text(Suite(path.stem, [case], list(checks)), "Cases that were added one by one.")
    else:
        loaded = load_suite(path, root)
        if isinstance(loaded.suite.cases, CasesFrom):
            raise UsageError(
                "This suite takes its cases from a dataset",
                f"{path.name} lists none that another could be added to.",
                "Name another suite: one that is not there yet is made, with the checks of the run's suite.",
            )
        case.id = free_id(case.id, {one.id for one in loaded.suite.cases})
        text = with_case(path.read_text(encoding="utf-8-sig"), case, path)
    _look(text, path, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, text)
    return case


def free_id(wanted: str, taken: set[str]) -> str:
    """`wanted`, or the first of wanted-2, wanted-3 ... that is not taken."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _look(text: str, path: Path, root: Path) -> None:
    """Raise UsageError where the text is no suite that can be used."""
    trial = atomic.temporary_name(path).with_suffix(path.suffix)
    trial.parent.mkdir(parents=True, exist_ok=True)
    trial.write_text(text, encoding="utf-8")
    try:
        load_suite(trial, root)
    except UsageError as error:
        error.happened = error.happened.replace(trial.name, path.name)
        error.title = f"The case cannot stand in {path.name}"
        raise
    finally:
        trial.unlink(missing_ok=True)


def _asks(messages: Sequence[Message]) -> bool:
    return bool(messages) and messages[-1].role in ("user", "tool")
