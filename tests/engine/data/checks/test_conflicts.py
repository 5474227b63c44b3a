"""Label conflicts: same or nearly the same input, another answer, by whom and when."""

from __future__ import annotations

from engine.data.checks.conflicts import check
from tests.engine.data.checks.rows import basis, found, rows_of

CLASSES = [(f"question number {at}", "abc"[at % 3]) for at in range(12)]


def test_the_same_input_with_two_labels_is_named_with_both() -> None:
    finding = found(check, basis([*CLASSES, ("Where is it", "a"), ("where  is it", "b")]))["label_conflict"]
    assert (rows_of(finding), finding.severity) == (["r12", "r13"], "warn")
    assert finding.groups[0].note == "a (1), b (1)"
    assert finding.figures["confused"] == [{"a": "a", "b": "b", "count": 1}]


def test_another_system_message_may_want_another_answer() -> None:
    rows = [*CLASSES, ("where", "a"), ("where", "b")]
    assert not found(check, basis(rows, contexts=[""] * 13 + ["x"]))


def test_nearly_the_same_input_with_another_label_is_a_finding_of_its_own() -> None:
    rows = [*CLASSES, ("why was my top up rejected today", "a"), ("why was my top-up rejected today?", "b")]
    finding = found(check, basis(rows))["label_conflict/near"]
    assert (rows_of(finding), finding.groups[0].score) == (["r12", "r13"], 1.0)


def test_json_answers_conflict_by_value_not_by_spelling() -> None:
    rows = [(f"q{at}", f'{{"intent": "i{at % 2}", "id": {at}}}') for at in range(12)]
    same = [("same", '{"intent": "i0", "id": 1}'), ("same", '{"id": 1, "intent": "i0"}')]
    assert not found(check, basis([*rows, *same]))
    assert found(check, basis([*rows, *same, ("same", '{"intent": "i1", "id": 1}')]))


def test_prose_conflicts_only_where_it_has_little_in_common() -> None:
    one = "You will find the setting under your profile on the second page of the app."
    other = "Please write to the support team and attach a copy of the invoice, then wait."
    filler = [(f"q{at}", f"a sentence that is only said here, {at}") for at in range(12)]
    alike = [("how", one), ("how", one.replace("will find", "can see"))]
    assert not found(check, basis([*filler, *alike]))
    finding = found(check, basis([*filler, ("how", one), ("how", other)]))["label_conflict/prose"]
    assert finding.severity == "info"


def test_who_disagrees_with_whom_and_when() -> None:
    said = [
        {"annotator": "anna", "time": "2026-01-02", "version": "v1"},
        {"annotator": "ben", "time": "2026-01-03"},
        {"annotator": "ben", "time": "2026-01-04"},
    ]
    rows = [*CLASSES, ("where", "a"), ("where", "b"), ("where", "c")]
    finding = found(check, basis(rows, metadata=[{} for _ in CLASSES] + said))["label_conflict"]
    assert finding.notes["r12"] == "a by anna (v1) at 2026-01-02"
    assert finding.figures["pairs"] == [
        {"a": "anna", "b": "ben", "items": 1, "disagree": 1, "cohen_kappa": 0.0}
    ]


def test_preferences_and_texts_have_no_labels_to_conflict() -> None:
    rows = [*CLASSES, ("where", "a"), ("where", "b")]
    assert not found(check, basis(rows, kind="preference"))
    assert not found(check, basis(rows, kind="text"))
