"""What a training run gained and lost, on its page and at its end, and for programs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from store.records.adapters import AdapterPassport
from store.records.batch import BatchRow, FirstBatch, Sample, Samples
from store.records.events import Artifact, Finished
from store.records.forgetting import ForgettingNote
from store.records.outcome import Change, Outcome, QuantisationCost, Remark, Score
from store.records.preview import Token
from store.records.recipe import Recipe
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import METRICS
from tests.workers import lay_run

BATCH = FirstBatch("sft", True, 1, (1, 3), [BatchRow("answer", 4, [Token(n, "a", n > 0) for n in range(3)])])
SAMPLES = Samples(
    3, 2, 9, 1.5, [Sample(7, 0.5, 1.0, 2, "What?", "This.")], [Sample(8, 2.5, 0.0, 2, "Where?", "There.")]
)
OUTCOME = Outcome(
    3,
    Change(Score(9, 90, 2.0, 0.4, 0.5), Score(9, 90, 1.0, 0.7, 0.9), 0.05, 0.02),
    Change(Score(50, 900, 3.0, 0.3), Score(50, 900, 3.4, 0.3), 0.01, 0.01),
    "builtin",
    remarks=[Remark("It has forgotten", "The loss on the general set rose.", "warn")],
    seconds=1.25,
)
COST = QuantisationCost(OUTCOME.task, "held-out rows", "float32")


@pytest.fixture
def run(workspace: Workspace) -> RunFolder:
    """A finished run with everything that it can leave."""
    result: dict[str, Any] = {
        "adapter": "artifacts/adapter",
        "metrics": METRICS,
        "outcome": msgspec.to_builtins(OUTCOME),
        "quantisation": msgspec.to_builtins(COST),
    }
    events = [
        Artifact(name="first batch", path="artifacts/first_batch.json", type="first_batch"),
        Artifact(name="samples", path="artifacts/samples.json", type="samples"),
        Finished(status="finished", result=result),
    ]
    folder = lay_run(workspace, "train-20260131-100000-0002", events, "train")
    folder.artifacts.mkdir(exist_ok=True)
    (folder.artifacts / "first_batch.json").write_bytes(msgspec.json.encode(BATCH))
    (folder.artifacts / "samples.json").write_bytes(msgspec.json.encode(SAMPLES))
    return folder


def test_a_runs_page_says_what_was_gained_lost_and_left(temper: Temper, run: RunFolder) -> None:
    shown = temper("runs", "show")
    for part in (
        "loss 2.000 before, 1.000 now (-1.000 \u00b1 0.050), 40% and 70% of tokens hit, 9 rows",
        "50% of pairs before, 90% now",
        "loss 3.000 before, 3.400 now",
        "2.000 in float32, 1.000 in 4 bits",
        "1 rows packed in one row, 3 tokens, 2 with loss",
        "line 8, loss 2.50: Where? There.",
        "line 7, loss 0.50: What? This.",
    ):
        assert part in shown.out
    assert "It has forgotten" in shown.err


def test_the_end_of_a_run_says_it_too(temper: Temper, run: RunFolder) -> None:
    shown = temper("runs", "attach")
    assert "1.000 now" in shown.out
    assert "The loss on the general set rose." in shown.err


def test_programs_get_paths_and_the_whole_outcome(temper: Temper, run: RunFolder) -> None:
    page = temper("runs", "show", "--json").json()
    assert page["first_batch"] == str(run.artifacts / "first_batch.json")
    assert page["samples"] == str(run.artifacts / "samples.json")
    assert page["result"]["outcome"]["general"]["after"]["loss"] == 3.4


def test_what_is_not_there_any_more_is_left_out(temper: Temper, run: RunFolder) -> None:
    (run.artifacts / "samples.json").unlink()
    (run.artifacts / "first_batch.json").write_text("{", encoding="utf-8")
    shown = temper("runs", "show")
    assert shown.code == 0
    assert "first batch" not in shown.out.split("artifacts/")[0]
    assert "hardest" not in shown.out


def test_a_run_of_another_kind_has_none_of_it(temper: Temper, workspace: Workspace) -> None:
    lay_run(workspace, "scripted-1", [Finished(status="finished")])
    page = temper("runs", "show", "--json").json()
    assert (page["first_batch"], page["samples"]) == (None, None)
    assert "held-out" not in temper("runs", "show").out


def test_a_runs_page_says_what_the_forgetting_pack_found(temper: Temper, run: RunFolder) -> None:
    note = ForgettingNote(
        "forgetting-1", "forgetting", 352, "forgotten", "It has forgotten.", ["replay", "slower"]
    )
    passport = AdapterPassport(
        run.run_id, "tiny", "", "", "support@1", "", Recipe(), "", "", "", 1, "", "cpu", forgetting=note
    )
    folder = run.artifacts / "adapter"
    folder.mkdir()
    (folder / "passport.json").write_bytes(msgspec.json.encode(passport))

    shown = temper("runs", "show").out

    assert "It has forgotten." in shown
    assert "replay; slower" in shown
