"""Mending a dataset: a new version beside the old one, held-out rows untouched, decisions kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from engine.data.fixes.asked import Asked
from engine.data.fixing import Fixed, fix_dataset
from store import check_reports, datasets, example_table, labels
from store.errors import RefusedError, UsageError
from store.paths import WorkspacePaths
from store.records.data import Example
from store.records.findings import CheckName, CheckReport, Finding, Group, RowRef, Severity, Skipped
from tests.engine.data.conftest import Importing


def source(rows: list[tuple[str, str]], **columns: list[str]) -> str:
    """A JSONL file of questions and answers, with further columns."""
    lines = []
    for at, (question, answer) in enumerate(rows):
        more = {name: values[at] for name, values in columns.items()}
        lines.append(json.dumps({"q": question, "a": answer, **more}))
    return "\n".join(lines) + "\n"


class Desk:
    """A dataset `d` of one version, with a report laid by hand, and fixes of it."""

    def __init__(self, paths: WorkspacePaths, importing: Importing) -> None:
        self.paths = paths
        self.importing = importing

    def bring(self, rows: list[tuple[str, str]], **columns: list[str]) -> list[Example]:
        """Import rows; returns them as stored."""
        maps = {"input": "q", "answer": "a", **{name: name for name in columns}}
        self.importing.text("d.jsonl", source(rows, **columns), map=maps)
        return self.rows(1)

    def rows(self, version: int) -> list[Example]:
        """All rows of a version."""
        return datasets.read_rows(self.paths, f"d@{version}/all")

    def report(self, *findings: Finding, skipped: list[Skipped] | None = None) -> None:
        """Lay a report on version 1."""
        info = datasets.load_info(self.paths, "d", 1)
        made = CheckReport("d", 1, info.sha256, info.rows_kept, "warn", list(findings), skipped or [])
        check_reports.save(self.paths, made)

    def fix(self, reference: str = "d@1", dry_run: bool = False, **asked: object) -> Fixed:
        """Mend version 1."""
        return fix_dataset(self.paths, reference, Asked(**asked), dry_run=dry_run)  # type: ignore[arg-type]  # a test names fields as it likes


@pytest.fixture
def desk(paths: WorkspacePaths, importing: Importing) -> Desk:
    return Desk(paths, importing)


def finding(
    name: str, rows: list[Example], groups: list[list[Example]] | None = None, severity: Severity = "warn"
) -> Finding:
    """A finding on rows, tied into groups."""
    check: CheckName = name.partition("/")[0]  # type: ignore[assignment]  # made from its id
    tied = [Group([row.row for row in group]) for group in groups or []]
    refs = [RowRef(row.row, row.line) for row in rows]
    return Finding(name, check, severity, name, len(rows), refs, groups=tied)


def asked(rows: list[Example]) -> list[str]:
    """What rows ask."""
    return [row.messages[0].content for row in rows]


PLAIN = [("one", "1"), ("two", "2"), ("three", "3"), ("four", "4")]


def with_heldout(desk: Desk, heldout: set[str]) -> list[Example]:
    """Version 1 with some questions held out."""
    rows = desk.rows(1)
    path = datasets.version_folder(desk.paths, "d", 1) / datasets.ROWS
    example_table.write_divided(path, path.with_name("new"), {
        at for at, row in enumerate(rows) if row.messages[0].content in heldout
    })  # fmt: skip
    path.with_name("new").replace(path)
    info = datasets.load_info(desk.paths, "d", 1)
    info.splits = {"train": len(rows) - len(heldout), "heldout": len(heldout)}
    (path.parent / datasets.INFO).write_bytes(msgspec.json.encode(info))
    return desk.rows(1)


def test_duplicates_go_and_the_first_stays_in_a_new_version(desk: Desk) -> None:
    rows = desk.bring([("one", "1"), ("ONE", "1"), ("two", "2")])
    desk.report(finding("exact_duplicate", [rows[1]], [[rows[0], rows[1]]]))
    fixed = desk.fix(duplicates=True)
    assert (fixed.info.version, fixed.info.parent, fixed.new) == (2, "d@1", True)
    assert asked(desk.rows(2)) == ["one", "two"]
    assert [(edit.operation, edit.rows) for edit in fixed.info.edits] == [("drop duplicates", 1)]
    assert asked(desk.rows(1)) == ["one", "ONE", "two"]


def test_rows_that_stay_keep_their_ids_lines_and_splits(desk: Desk) -> None:
    desk.bring(PLAIN)
    before = {row.row: (row.line, row.split) for row in with_heldout(desk, {"two"})}
    gone = desk.rows(1)[0].row
    desk.fix(rows=[gone])
    after = {row.row: (row.line, row.split) for row in desk.rows(2)}
    assert after == {row: place for row, place in before.items() if row != gone}


def test_the_same_fix_of_the_same_version_finds_what_it_made(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    first, again = desk.fix(rows=[rows[0].row]), desk.fix(rows=[rows[0].row])
    assert (first.new, again.new) == (True, False)
    assert again.info == first.info
    assert datasets.versions(desk.paths, "d") == [1, 2]


def test_a_fix_that_changes_nothing_makes_no_version(desk: Desk) -> None:
    desk.bring(PLAIN)
    fixed = desk.fix(mask=["pii"])
    assert (fixed.new, fixed.info.version, fixed.edits) == (False, 1, [])


def test_a_dry_run_counts_and_makes_nothing(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    fixed = desk.fix(dry_run=True, rows=[rows[0].row])
    assert (fixed.info.rows_kept, fixed.edits[0].rows) == (3, 1)
    assert datasets.versions(desk.paths, "d") == [1]
    assert labels.read(desk.paths, "finding") == []


def test_leaks_are_taken_from_train_and_never_from_the_held_out_rows(desk: Desk) -> None:
    desk.bring([("one", "1"), ("One", "1"), ("two", "2")])
    rows = with_heldout(desk, {"One"})
    desk.report(finding("leakage", [rows[0], rows[1]], [[rows[1], rows[0]]], "block"))
    desk.fix(leaks=True)
    assert [(row.messages[0].content, row.split) for row in desk.rows(2)] == [
        ("One", "heldout"),
        ("two", "train"),
    ]


def test_of_duplicates_across_splits_the_train_row_goes(desk: Desk) -> None:
    desk.bring([("one", "1"), ("One", "1"), ("two", "2")])
    rows = with_heldout(desk, {"One"})
    desk.report(finding("exact_duplicate", [rows[1]], [[rows[0], rows[1]]]))
    desk.fix(duplicates=True)
    assert asked(desk.rows(2)) == ["One", "two"]


def test_a_near_duplicate_stays_where_the_row_it_is_like_has_gone(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report(finding("near_duplicate", [rows[1]], [[rows[0], rows[1]]]))
    desk.fix(near_duplicates=True, rows=[rows[0].row])
    assert asked(desk.rows(2)) == ["two", "three", "four"]


def test_a_finding_goes_by_its_id_and_a_check_with_all_its_findings(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report(finding("perishable/price", [rows[0]]), finding("perishable/date", [rows[1]]))
    assert desk.fix(drop=["perishable/price"], dry_run=True).info.rows_kept == 3
    assert desk.fix(drop=["perishable"], dry_run=True).info.rows_kept == 2


def test_a_name_that_nothing_has_is_refused_with_what_there_is(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report(finding("perishable/price", [rows[0]]))
    with pytest.raises(UsageError) as error:
        desk.fix(drop=["perishible"])
    assert "perishable/price" in error.value.remedy


def test_a_check_that_did_not_run_is_no_clean_bill(desk: Desk) -> None:
    desk.bring(PLAIN)
    desk.report(skipped=[Skipped("near_duplicate", "datasketch cannot be imported here")])
    with pytest.raises(RefusedError, match="did not run"):
        desk.fix(near_duplicates=True)


def test_nothing_asked_is_a_usage_error(desk: Desk) -> None:
    desk.bring(PLAIN)
    with pytest.raises(UsageError):
        desk.fix()


def test_a_version_without_rows_to_train_on_is_refused(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    with pytest.raises(RefusedError):
        desk.fix(rows=[row.row for row in rows])
    assert datasets.versions(desk.paths, "d") == [1]


def test_an_unknown_row_is_named(desk: Desk) -> None:
    desk.bring(PLAIN)
    with pytest.raises(UsageError, match="'nothere'"):
        desk.fix(rows=["nothere"])


def test_masking_changes_the_row_its_id_and_remembers_the_old_one(desk: Desk) -> None:
    rows = desk.bring([("I am bob@corp.com", "Hello bob@corp.com"), ("two", "2")])
    fixed = desk.fix(mask=["pii"])
    masked, plain = desk.rows(2)
    assert [turn.content for turn in masked.messages] == ["I am <EMAIL_1>", "Hello <EMAIL_1>"]
    assert masked.row != rows[0].row
    assert masked.metadata["was"] == rows[0].row
    assert plain == rows[1]
    assert [(edit.operation, edit.rows, edit.detail) for edit in fixed.info.edits] == [
        ("mask pii", 1, "1 values")
    ]


def test_rows_that_become_equal_by_masking_have_ids_of_their_own(desk: Desk) -> None:
    desk.bring([("mail a@corp.com", "ok"), ("mail b@corp.com", "ok")])
    desk.fix(mask=["email"])
    ids = [row.row for row in desk.rows(2)]
    assert ids[1] == f"{ids[0]}-2"


def test_an_unknown_kind_to_mask_is_refused(desk: Desk) -> None:
    desk.bring(PLAIN)
    with pytest.raises(UsageError):
        desk.fix(mask=["pi"])


def test_encodings_are_repaired(desk: Desk) -> None:
    desk.bring([("Wie gro\u00c3\u0178 ist das Caf\u00c3\u00a9?", "gut"), ("a\x07b", "c"), ("schön", "gut")])
    fixed = desk.fix(repair_encoding=True)
    assert asked(desk.rows(2)) == ["Wie groß ist das Café?", "ab", "schön"]
    assert fixed.edits[0].rows == 2


CONFLICT = [
    ("Where is it?", "track"),
    ("where is it?", "track"),
    ("WHERE is it?", "refund"),
    ("else", "track"),
]


def in_conflict(desk: Desk, rows: list[Example], name: str = "label_conflict") -> None:
    desk.report(finding(name, rows, [rows]))


def test_the_majority_decides_a_conflict_and_is_written_down(desk: Desk) -> None:
    rows = desk.bring(CONFLICT)
    in_conflict(desk, rows[:3])
    fixed = desk.fix(conflicts="majority")
    assert [row.messages[-1].content for row in desk.rows(2)] == ["track"] * 3
    assert [label.value for label in labels.read(desk.paths, "conflict")] == ["track"]
    assert fixed.undecided == 0
    assert fixed.left == []


def test_a_tie_is_left_to_people(desk: Desk) -> None:
    rows = desk.bring([CONFLICT[0], CONFLICT[2], CONFLICT[3]])
    in_conflict(desk, rows[:2])
    fixed = desk.fix(conflicts="majority")
    assert (fixed.undecided, fixed.new) == (1, False)
    assert [(left.id, left.count) for left in fixed.left] == [("label_conflict", 2)]


def test_the_newest_answer_decides_where_times_are_known(desk: Desk) -> None:
    times = ["2026-01-01", "2026-01-02", "2026-03-01", "2026-01-01"]
    rows = desk.bring(CONFLICT, time=times)
    in_conflict(desk, rows[:3])
    desk.fix(conflicts="newest")
    assert [row.messages[-1].content for row in desk.rows(2)] == ["refund", "track"]


def test_a_kept_row_is_right_and_is_right_again_after_a_new_import(desk: Desk) -> None:
    rows = desk.bring(CONFLICT)
    in_conflict(desk, rows[:3])
    desk.fix(conflicts="labels", keep=[rows[2].row])
    assert asked(desk.rows(2)) == ["WHERE is it?", "else"]
    shutil.rmtree(desk.paths.datasets)
    again = desk.bring([("where IS it?", "track"), *CONFLICT[2:]])
    in_conflict(desk, again[:2])
    desk.fix(conflicts="labels")
    assert asked(desk.rows(2)) == ["WHERE is it?", "else"]


def test_a_rule_does_not_decide_between_inputs_that_are_only_nearly_the_same(desk: Desk) -> None:
    rows = desk.bring(CONFLICT)
    in_conflict(desk, rows[:3], "label_conflict/near")
    assert not desk.fix(conflicts="majority").new


def test_a_rule_gives_way_to_what_somebody_chose_but_not_to_another_rule(desk: Desk) -> None:
    times = ["2026-01-01", "2026-01-02", "2026-03-01", "2026-01-01"]
    rows = desk.bring(CONFLICT, time=times)
    in_conflict(desk, rows[:3])
    desk.fix(conflicts="majority")
    desk.fix(conflicts="newest")
    assert asked(desk.rows(3)) == ["WHERE is it?", "else"]


def test_a_row_that_was_kept_once_stays_in_later_fixes(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report(finding("perishable/price", rows[:2]))
    first = desk.fix(drop=["perishable"], keep=[rows[0].row])
    again = desk.fix(drop=["perishable"])
    assert asked(desk.rows(2)) == ["one", "three", "four"]
    assert (again.info.version, again.kept) == (first.info.version, [rows[0].row])


def test_dropped_rows_are_dropped_again_with_the_labels(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report()
    desk.fix(rows=[rows[0].row])
    assert desk.fix(conflicts="labels").info.version == 2


def test_what_is_left_is_said(desk: Desk) -> None:
    rows = desk.bring(PLAIN)
    desk.report(
        finding("pii/email", [rows[0]]),
        finding("exact_duplicate", [rows[1]], [[rows[0], rows[1]]]),
        finding("empty", [rows[2]], severity="info"),
    )
    fixed = desk.fix(rows=[rows[1].row], mask=["pii"])
    assert [(left.id, left.count) for left in fixed.left] == [("empty", 1)]


def test_a_version_that_was_never_checked_is_checked_first(desk: Desk, tmp_path: Path) -> None:
    desk.bring([("one", "1"), ("One", "1"), ("two", "2"), ("three", "3")])
    fixed = desk.fix(duplicates=True)
    assert asked(desk.rows(2)) == ["one", "two", "three"]
    assert check_reports.latest(desk.paths, "d", 1) is not None
    assert fixed.new
