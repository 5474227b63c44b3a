"""What the proof keeps: results that stand until their code changes; rehearsals never are results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.gpu import plan, record, tables
from scripts.gpu.bench import Found
from scripts.gpu.plan import Step, all_steps, chosen

STEP = Step("right", "packed")
CARD = {"name": "Some Card"}


def kept(**changes: Any) -> dict[str, Any]:
    """A record of the step, run to its end on the card by the code that is here."""
    whole = {
        "step": STEP.id,
        "state": "passed",
        "rehearsal": False,
        "time": "2026-01-31T10:00:00+00:00",
        "seconds": 61.0,
        "code": STEP.code(),
        "device": CARD,
        "found": {"gates": [], "goals": [], "figures": {}},
    }
    return whole | changes


@pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.id)
def test_every_step_has_a_title_and_fits_into_a_call(step: Step) -> None:
    assert step.title
    assert 0 < step.minutes <= 9
    assert "def run(bench: Bench" in step.file.read_text(encoding="utf-8")


def test_no_step_lies_about_that_is_not_in_the_plan() -> None:
    files = {
        f"{stage}.{file.stem}"
        for stage in plan.STAGES
        for file in (plan.HERE / stage).glob("*.py")
        if not file.name.startswith("_")
    }
    assert files == {step.id for step in all_steps()}


def test_steps_are_named_with_or_without_their_stage_and_a_stage_means_all_of_it() -> None:
    assert chosen([], ["packed"]) == chosen([], ["right.packed"]) == [STEP]
    assert chosen(["safe"], []) == [step for step in all_steps() if step.stage == "safe"]
    assert chosen([], []) == all_steps()
    with pytest.raises(ValueError, match="no such step: packd"):
        chosen([], ["packd"])


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({"state": "missed"}, True),
        ({"state": "failed"}, True),
        ({"state": "broken"}, False),
        ({"state": "cannot run"}, False),
        ({"code": "other"}, False),
        ({"device": {"name": "Another Card"}}, False),
        ({"rehearsal": True}, False),
    ],
)
def test_a_result_stands_for_this_code_on_this_card_once_it_was_run_to_its_end(
    changes: dict[str, Any], stands: bool
) -> None:
    assert record.stands(kept(**changes), STEP, CARD, rehearse=False) is stands


def test_a_result_is_no_rehearsal() -> None:
    assert not record.stands(kept(), STEP, CARD, rehearse=True)


def test_the_hash_of_a_step_changes_with_the_code_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan.USES, "right", ("scripts/gpu/bench.py",))
    before = STEP.code()
    monkeypatch.setitem(plan.USES, "right", ("scripts/gpu/bench.py", "scripts/gpu/tables.py"))
    assert STEP.code() != before


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    record.write(tmp_path, STEP, kept(rehearsal=True))
    assert record.read(tmp_path, STEP) == kept(rehearsal=True)
    record.file_of(tmp_path, STEP).write_text("{torn")
    assert record.read(tmp_path, STEP) is None


def test_a_rehearsal_is_never_written_among_the_results() -> None:
    with pytest.raises(ValueError, match=r"a rehearsal of right\.packed is no result"):
        record.write(record.RESULTS, STEP, kept(rehearsal=True))


def test_no_rehearsal_lies_among_the_committed_results() -> None:
    found = [one for step in all_steps() if (one := record.read(record.RESULTS, step)) is not None]
    assert not [one["step"] for one in found if one["rehearsal"]]


def test_a_gate_that_does_not_hold_fails_and_a_goal_not_reached_is_missed() -> None:
    found = Found()
    found.gate("same", True, "")
    found.goal("G1", 3.2, ">= 3")
    assert str(found.state) == "passed"
    found.goal("G8", 1.1, "<= 1.05")
    assert str(found.state) == "missed"
    found.gate("whole", False, "")
    assert found.state == "failed"


def test_what_was_found_is_shown_with_its_misses_and_a_rehearsal_says_what_it_is() -> None:
    found = Found()
    found.gate("same", False, "losses apart")
    found.goal("G1 mix", 2.5, ">= 3")
    found.figures["speed"] = [{"method": "qlora", "tokens/s": 14900.0}]
    shown = tables.details(STEP, kept(found=found.builtins(), rehearsal=True))
    assert "REHEARSAL, counts for nothing" in shown
    assert "FAILS   same: losses apart" in shown
    assert "G1 mix: 2.5 (>= 3: MISSED)" in shown
    assert "14,900" in shown
    listed = tables.overview([(STEP, kept()), (Step("out", "many"), None)])
    assert "2026-01-31 Some Card" in listed
    assert "not run" in listed
