"""`temper compare`: verdict, gate, baseline and what is refused, on eval runs laid by hand; one real one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from store import labels
from store.records.evals import CaseResult, CheckResult
from store.records.events import Finished
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.workers import lay_run

A, B = "evaluate-20260131-100000-000a", "evaluate-20260131-110000-000b"
SUITE = """
name: support
cases:
  - {id: c1, input: "message 1", expected: "answer 1", tags: [critical]}
  - {id: c2, input: "message 2", expected: "answer 2"}
checks: [{kind: exact}]
"""


def lay_eval(workspace: Workspace, run_id: str, passes: str, variant: str = "base") -> RunFolder:
    """A finished eval run with a case per letter; the first case is critical."""
    folder = lay_run(workspace, run_id, [Finished(status="finished", result={})], "evaluate")
    spec = folder.spec()
    spec.params = {"suite": "evals/support.yaml", "variants": [variant]}
    (folder.path / "spec.json").write_bytes(msgspec.json.encode(spec))
    lines = [
        CaseResult(
            "support",
            variant,
            f"c{n}",
            f"message {n}",
            "yes" if letter == "+" else "no",
            letter == "+",
            float(letter == "+"),
            [CheckResult("exact", letter == "+", float(letter == "+"))],
            tags=["critical"] if n == 0 else [],
        )
        for n, letter in enumerate(passes)
    ]
    folder.results.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return folder


@pytest.fixture
def runs(workspace: Workspace) -> Workspace:
    """Two runs of a suite: the first passes 10 of 40 cases, the second 30; the critical case breaks."""
    (workspace.root / "evals").mkdir()
    (workspace.root / "evals" / "support.yaml").write_text(SUITE, encoding="utf-8")
    lay_eval(workspace, A, "+" * 10 + "-" * 30)
    lay_eval(workspace, B, "-" + "+" * 30 + "-" * 9, "tuned")
    return workspace


def with_gate(workspace: Workspace, text: str) -> None:
    path = workspace.paths.settings
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_json_has_the_promised_fields(runs: Workspace, temper: Temper) -> None:
    found = temper("compare", A, B, "--json").json()

    assert found["n"] == 40
    assert (found["a"], found["b"], found["diff"]) == (0.25, 0.75, 0.5)
    assert (found["fixed"], found["broken"]) == (21, 1)
    assert found["p"] < 0.001
    assert 0 < found["ci95"][0] < 0.5 < found["ci95"][1]
    assert (found["verdict"], found["gate"]) == ("better", "none")
    assert [one["case"] for one in found["broken_cases"]] == ["c0"]


def test_the_cases_come_first_and_the_verdict_last(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", A, B)

    assert shown.code == 0
    assert (
        shown.out.index("Broken: 1") < shown.out.index("Fixed: 21") < shown.out.index("Verdict: B is better")
    )


def test_a_gate_that_is_not_satisfied_ends_with_five(runs: Workspace, temper: Temper) -> None:
    with_gate(runs, "\n[gates.support]\nmin_diff = 0.1\n")

    shown = temper("compare", A, B, "--gate")

    assert shown.code == 5
    assert "slice critical: newly broken: c0" in shown.out
    assert temper("compare", A, B).code == 0  # only asked for is it an exit code
    assert temper("compare", A, A, "--gate").code == 5  # no gain at all


def test_a_gate_that_is_satisfied_passes(runs: Workspace, temper: Temper) -> None:
    with_gate(runs, "\n[gates.support]\nmin_diff = 0.1\nprotected = []\n")

    assert temper("compare", A, B, "--gate", "--json").json()["gate"] == "passed"


def test_a_gate_that_is_not_there_is_a_mistake(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", A, B, "--gate")

    assert shown.code == 2
    assert "[gates.support]" in shown.err


def test_a_blessed_run_is_the_baseline_from_then_on(runs: Workspace, temper: Temper) -> None:
    assert temper("compare", A, B, "--bless").code == 0

    (label,) = labels.read(runs.paths, "baseline")
    found = temper("compare", "baseline", A, "--suite", "support", "--json").json()

    assert (label.target, label.value) == ("support", f"{B}:tuned")
    assert found["sides"]["a"]["run_id"] == B
    assert found["verdict"] == "worse"


def test_what_fails_the_gate_is_not_blessed(runs: Workspace, temper: Temper) -> None:
    with_gate(runs, "\n[gates.support]\nmin_diff = 0.9\n")

    assert temper("compare", A, B, "--bless").code == 5
    assert labels.read(runs.paths, "baseline") == []


def test_no_baseline_is_said(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", "baseline", A, "--suite", "support")

    assert shown.code == 3
    assert "--bless" in shown.err


def test_runs_over_different_cases_are_compared_on_the_common_ones_loudly(
    runs: Workspace, temper: Temper
) -> None:
    lay_eval(runs, "evaluate-20260131-120000-000c", "+" * 8)

    shown = temper("compare", A, "evaluate-20260131-12")

    assert "ONLY THE 8 COMMON CASES ARE COMPARED" in shown.err


def test_two_runs_are_compared_though_their_suite_is_gone(runs: Workspace, temper: Temper) -> None:
    (runs.paths.evals / "support.yaml").unlink()

    assert temper("compare", A, f"{B}:tuned", "--json").json()["suite"] == "support"


def test_a_run_that_has_not_finished_is_said_and_passes_no_gate(runs: Workspace, temper: Temper) -> None:
    with_gate(runs, "\n[gates.support]\nmin_diff = 0.0\nprotected = []\n")
    folder = lay_eval(runs, "evaluate-20260131-120000-000c", "+" * 40)
    events = folder.events.read_bytes().splitlines(keepends=True)
    folder.events.write_bytes(b"".join(events[:-1]))  # killed before its last line

    shown = temper("compare", A, folder.run_id, "--gate")

    assert shown.code == 5
    assert "B'S RUN evaluate-20260131-120000-000c HAS NOT FINISHED (died)" in shown.err
    assert "HAS NOT FINISHED" in shown.out


def test_a_run_compared_with_itself_is_said(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", A, A)

    assert "SAME RUN AND VARIANT" in shown.err
    assert "n too small to tell" in shown.out
    assert "in four of five tries" in shown.out


def test_energy_is_shown_where_the_runs_counted_it(runs: Workspace, temper: Temper) -> None:
    assert "energy not measured" in temper("compare", A, B).err
    for run_id, variant, joules in ((A, "base", 30.0), (B, "tuned", 12.5)):
        folder = RunFolder(runs.paths.runs / run_id)
        cost = {"name": variant, "n": 40, "score": 0.5, "stderr": 0.0, "cost": {"joules": joules}}
        events = folder.events.read_bytes().splitlines(keepends=True)
        last = msgspec.json.encode(msgspec.json.decode(events[-1]) | {"result": {"variants": [cost]}})
        folder.events.write_bytes(b"".join(events[:-1]) + last + b"\n")

    assert "30.0 → 12.5 J" in temper("compare", A, B).err


def test_the_summary_for_a_pull_request_is_markdown(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", A, B, "--markdown")

    assert shown.out.startswith("### support: B is better\n")
    assert "| all | 40 | 25.0% | 75.0% |" in shown.out


def test_a_side_that_is_nothing_is_refused_before_anything_runs(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", A, "nosuch")

    assert shown.code == 2
    assert "nosuch" in shown.err


def test_a_run_of_several_variants_asks_which(runs: Workspace, temper: Temper, tmp_path: Path) -> None:
    folder = lay_eval(runs, "evaluate-20260131-130000-000d", "+++")
    other = lay_eval(runs, "evaluate-20260131-130000-000e", "---", "tuned")
    folder.results.write_bytes(folder.results.read_bytes() + other.results.read_bytes())

    assert "Which of its variants" in temper("compare", folder.run_id, A).err
    one = temper("compare", f"{folder.run_id}:base", f"{folder.run_id}:tuned", "--json").json()
    assert (one["a"], one["b"]) == (1.0, 0.0)


def test_answers_that_are_not_there_are_not_judged_again(runs: Workspace, temper: Temper) -> None:
    before = sorted(path.name for path in runs.paths.runs.iterdir())

    shown = temper("eval", "rescore", A, "--variant", "nope")

    assert shown.code == 2
    assert f"{A} holds no answers of nope" in shown.err
    assert sorted(path.name for path in runs.paths.runs.iterdir()) == before


def test_variants_are_evaluated_first(runs: Workspace, temper: Temper) -> None:
    shown = temper("compare", "base", "tiny", "--suite", "support", "--json")
    assert shown.code == 0, shown.err
    found = shown.json()

    assert found["n"] == 2
    assert found["verdict"] == "too_small"
    assert found["sides"]["a"]["run_id"] == found["sides"]["b"]["run_id"] != A


def test_models_that_would_run_in_other_types_are_compared_in_one(
    runs: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.jobs import comparing
    from engine.models.variants import Parts

    def large_or_small(workspace: Workspace, reference: str) -> Parts:
        return Parts(reference, Path(), quant="q4_k_m" if reference == "large" else "q8_0")

    monkeypatch.setattr(comparing, "describe", large_or_small)

    assert comparing.common_quant(runs, ["large", "tiny"]) == "q4_k_m"
    assert comparing.common_quant(runs, ["tiny", "tiny"]) == ""
    runs.config.variants["base"].quant = "q8_0"
    assert comparing.common_quant(runs, ["large", "base"]) == ""
