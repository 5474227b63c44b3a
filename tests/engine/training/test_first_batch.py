"""The first batch that a run leaves: token for token the rows it was given, and what the model was fed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from transformers import TrainerCallback

from engine.data.rendering import IGNORED, Row
from engine.models.directory import ModelDirectory
from engine.training import session
from engine.training.data import TrainingData
from store.records.batch import BatchRow, FirstBatch
from store.records.events import Artifact
from tests.bases import EXAMPLES, Recorder, rows_of
from tests.engine.conftest import Trained
from tests.preferences import asked, data_for, run_on

pytestmark = pytest.mark.training


def batch_of(folder: Path) -> FirstBatch:
    return msgspec.json.decode((folder / "artifacts" / "first_batch.json").read_bytes(), type=FirstBatch)


def agrees(shown: BatchRow, row: Row) -> bool:
    """Whether a shown row has the ids of `row` and carries loss where its labels say so."""
    carrying = [at > 0 and label != IGNORED for at, label in enumerate(row.labels)]
    return [token.id for token in shown.tokens] == row.input_ids and [
        token.trained for token in shown.tokens
    ] == carrying


def sides(data: TrainingData) -> dict[str, dict[int, Row]]:
    chosen = {row.line: row for row in data.rows}
    return {"answer": chosen, "chosen": chosen, "rejected": {row.line: row for row in data.rejected}}


@pytest.mark.parametrize(
    ("objective", "changes", "places"),
    [
        ("sft", {}, ["answer"] * 4),
        ("sft", {"packing": False}, ["answer"] * 4),
        ("text", {"max_length": 64}, ["answer"] * 4),
        ("dpo", {}, ["chosen"] * 4 + ["rejected"] * 4),
        ("orpo", {}, ["chosen"] * 4 + ["rejected"] * 4),
        ("kto", {}, ["answer"] * 4 + ["prompt of another"] * 4),
    ],
)
def test_every_row_of_the_first_batch_is_one_of_the_data_with_its_line(
    objective: str, changes: dict[str, Any], places: list[str], micro: Path, tmp_path: Path
) -> None:
    wanted: dict[str, Any] = {
        "objective": objective,
        "max_steps": 1,
        "batch_size": 4,
        "gradient_accumulation": 2,
    } | changes
    data = data_for(micro, asked(**wanted))
    run_on(micro, tmp_path, data, **wanted)
    batch = batch_of(tmp_path)
    assert [row.place for row in batch.rows] == places
    assert (batch.objective, batch.passes) == (objective, 2)
    for row in batch.rows:
        if row.place == "prompt of another":
            assert row.line == 0
            assert row.trained > 0
        elif objective == "text":  # a long text is several rows of one line
            assert any(agrees(row, one) for one in data.rows if one.line == row.line)
        else:
            assert agrees(row, sides(data)[row.place][row.line])
    if objective not in ("kto", "orpo"):  # these have two tensors, each of a width of its own
        held = sum(len(row.tokens) + row.padding for row in batch.rows)
        assert held == batch.shape[0] * batch.shape[1]


@pytest.mark.parametrize("packing", [True, False])
def test_what_is_shown_is_what_the_model_is_fed(packing: bool, micro: Path, tmp_path: Path) -> None:
    fed: list[list[int]] = []

    class Listening(TrainerCallback):
        def on_step_begin(self, *_: object, model: Any = None, **rest: object) -> None:
            def hear(module: Any, given: Any, named: dict[str, Any]) -> None:
                fed.append(named["input_ids"].flatten().tolist())
                handle.remove()

            handle = model.get_base_model().base_model.register_forward_pre_hook(hear, with_kwargs=True)

    recipe = asked(max_steps=1, batch_size=3, packing=packing)
    data, out = TrainingData(rows_of(micro)), tmp_path / "artifacts" / "adapter"
    session.train(ModelDirectory(micro), recipe, data, Recorder(), tmp_path, out, callbacks=[Listening()])
    batch = batch_of(tmp_path)
    pad = ModelDirectory(micro).config["pad_token_id"]
    shown = [one for row in batch.rows for one in [token.id for token in row.tokens] + [pad] * row.padding]
    assert fed[0] == shown
    assert batch.packed == packing


def test_its_texts_joined_are_the_row_as_the_model_reads_it(micro: Path, tmp_path: Path) -> None:
    run: Trained = run_on(micro, tmp_path, max_steps=1, batch_size=8)
    batch = batch_of(tmp_path)
    said = {row.line: "".join(token.text for token in row.tokens) for row in batch.rows}
    for example in EXAMPLES:
        question, answer = (message.content for message in example.messages)
        assert question in said[example.line]
        assert answer in said[example.line]
    starts = [row.start for row in batch.rows]
    lengths = [len(row.tokens) for row in batch.rows]
    assert starts == [sum(lengths[:at]) for at in range(len(lengths))]  # packed, one behind the other
    told = [event for event in run.recorder.events if isinstance(event, Artifact)]
    assert [(event.type, event.path) for event in told] == [("first_batch", "artifacts/first_batch.json")]
