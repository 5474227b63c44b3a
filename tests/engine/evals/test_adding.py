"""A failed case or a served request becomes a case that remembers its origin; files keep their form."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.evals.collecting import add_failure, add_trace
from engine.evals.suite import load_suite
from engine.evals.suite.writing import with_case
from store import runs
from store.errors import MissingError, UsageError
from store.records.data import Message
from store.records.evals import Case, CaseResult, Origin
from store.records.runs import RunSpec
from store.records.traces import Trace
from store.workspace import Workspace

WRITTEN = """# mine
name: mine
cases:
  # the first
  - id: c1
    input: a   # as it was asked
    expected: b

  - {id: c2, input: c, expected: d}
# how they are judged
checks:
  - kind: exact
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "temper.toml").write_text("")
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "mine.yaml").write_text(WRITTEN)
    opened = Workspace(tmp_path)
    folder = runs.create(opened.paths.runs, RunSpec("evaluate-1", "evaluate", "", "", {"suite": "mine"}))
    results = [
        CaseResult("mine", variant, "c1", "a", "x", variant == "good", 0.0, [], "b")
        for variant in ("good", "bad")
    ]
    folder.results.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in results))
    return opened


def cases_of(workspace: Workspace, name: str) -> list[Case]:
    loaded = load_suite(workspace.paths.evals / name, workspace.root).suite.cases
    assert isinstance(loaded, list)
    return loaded


def test_a_failure_goes_into_a_new_suite_with_the_checks_of_its_own(workspace: Workspace) -> None:
    added = add_failure(workspace, "hard", "last", "c1", "", None, ["critical"])

    [case] = cases_of(workspace, "hard.yaml")
    assert (added.path, added.case) == ("evals/hard.yaml", "c1")
    assert (case.input, case.expected, case.tags) == ("a", "b", ["critical"])
    assert case.origin == Origin("failure", run="evaluate-1", variant="bad", case="c1")


def test_a_case_is_put_behind_the_last_and_the_rest_stays_as_it_was(workspace: Workspace) -> None:
    added = add_failure(workspace, "mine", "last", "c1", "", "B", [])

    text = (workspace.paths.evals / "mine.yaml").read_text()
    before, behind = WRITTEN.split("# how they are judged")
    assert text.startswith(before)
    assert text.endswith("# how they are judged" + behind)
    assert added.case == "c1-2"
    assert [case.id for case in cases_of(workspace, "mine.yaml")] == ["c1", "c2", "c1-2"]


def test_a_served_request_becomes_a_case(workspace: Workspace) -> None:
    trace = Trace("t-77", "2026-01-31T10:00:00.000Z", "base", [Message("user", "Why?")], "No idea.")
    workspace.paths.traces.mkdir(parents=True)
    (workspace.paths.traces / "day.jsonl").write_bytes(msgspec.json.encode(trace) + b"\n")

    add_trace(workspace, "seen", "t-7", None, [])

    [case] = cases_of(workspace, "seen.yaml")
    assert case.origin == Origin("trace", variant="base", trace="t-77")
    assert case.checks[0].options == {"value": "No idea.", "absent": True}
    with pytest.raises(MissingError, match="No such trace"):
        add_trace(workspace, "seen", "t-8", None, [])


def test_requests_with_and_without_a_right_answer_share_a_suite(workspace: Workspace) -> None:
    asked = [Message("user", "Why?")]
    traces = [Trace(name, "2026-01-31T10:00:00.000Z", "base", asked, "No.") for name in ("t-1", "t-2", "t-3")]
    workspace.paths.traces.mkdir(parents=True)
    lines = b"".join(msgspec.json.encode(trace) + b"\n" for trace in traces)
    (workspace.paths.traces / "day.jsonl").write_bytes(lines)

    for trace, expected in (("t-1", "Because."), ("t-2", None), ("t-3", "Because.")):
        add_trace(workspace, "seen", trace, expected, [])

    kinds = [[check.kind for check in case.checks] for case in cases_of(workspace, "seen.yaml")]
    assert kinds == [["similarity"], ["contains"], ["similarity"]]
    assert add_trace(workspace, "mine", "t-1", "Because.", []).case == "t-1"  # judged by the suite's own
    assert cases_of(workspace, "mine.yaml")[-1].checks == []


def test_what_is_not_there_or_cannot_take_a_case_is_refused(workspace: Workspace) -> None:
    (workspace.paths.evals / "rows.yaml").write_text(
        "name: rows\ncases: {dataset: chats}\nchecks: [{kind: exact}]\n"
    )

    with pytest.raises(MissingError, match="No such case"):
        add_failure(workspace, "mine", "last", "c9", "", None, [])
    with pytest.raises(UsageError, match="takes its cases from a dataset"):
        add_failure(workspace, "rows", "last", "c1", "", None, [])
    with pytest.raises(UsageError, match="Temper's own"):
        add_failure(workspace, "forgetting", "last", "c1", "", None, [])
    with pytest.raises(UsageError, match="cannot be added"):
        with_case("name: a\ncases: [{id: c, input: x}]\n", Case("d", "y"), Path("a.yaml"))


def test_a_suite_in_lines_gets_one_more_line() -> None:
    text = with_case('{"id": "c", "input": "x"}\n', Case("d", "y"), Path("a.jsonl"))

    assert text == '{"id": "c", "input": "x"}\n{"id":"d","input":"y"}\n'


def test_the_same_failure_does_not_become_a_case_twice(workspace: Workspace) -> None:
    add_failure(workspace, "hard", "last", "c1", "bad", None, [])
    with pytest.raises(UsageError, match="a case already"):
        add_failure(workspace, "hard", "last", "c1", "bad", None, [])
    assert len(cases_of(workspace, "hard.yaml")) == 1
