"""From a file to a version: ids, reports, equal versions, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.data.importing import import_dataset, split_dataset
from engine.data.source import Source
from store import datasets
from store.errors import MissingError, RefusedError, TemperError, UsageError
from store.paths import WorkspacePaths
from store.records.data import ImportOptions, Message
from tests.engine.data.conftest import Importing

ROW = '{"prompt": "%s", "completion": "%s"}\n'
MAP = {"input": "text", "answer": "category"}


def classified(rows: int, classes: int) -> str:
    return "text,category\n" + "".join(f"question {index},class {index % classes}\n" for index in range(rows))


def test_a_row_keeps_its_id_when_other_rows_come_before_it(importing: Importing) -> None:
    importing.text("a.jsonl", ROW % ("q", "a"))
    (before,) = importing.rows()
    importing.text("b.jsonl", ROW % ("other", "x") + ROW % ("q", "a"))
    after = importing.rows()[1]
    assert (before.row, before.line, after.line) == (after.row, 1, 2)


def test_equal_rows_are_kept_and_told_apart(importing: Importing) -> None:
    importing.text("a.jsonl", ROW % ("q", "a") * 3)
    ids = [row.row for row in importing.rows()]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]


def test_the_same_source_and_options_give_the_same_version(importing: Importing) -> None:
    first = importing.text("a.csv", classified(20, 2), map=MAP, heldout=0.2)
    again = importing.text("copy.csv", classified(20, 2), map=MAP, heldout=0.2)
    assert (first.new, again.new, again.info) == (True, False, first.info)


@pytest.mark.parametrize("change", [{"seed": 1}, {"answer_json": "intent"}, {"heldout": 0.3}])
def test_other_options_give_another_version(importing: Importing, change: dict[str, Any]) -> None:
    importing.text("a.csv", classified(20, 2), map=MAP, heldout=0.2)
    options: dict[str, Any] = {"map": MAP, "heldout": 0.2} | change
    other = importing.text("a.csv", classified(20, 2), **options)
    assert (other.new, other.info.version) == (True, 2)


def test_a_changed_source_gives_another_version(importing: Importing) -> None:
    importing.text("a.csv", classified(20, 2), map=MAP)
    assert importing.text("a.csv", classified(21, 2), map=MAP).info.version == 2


def test_every_row_is_kept_or_listed_with_its_line_and_reason(importing: Importing) -> None:
    lines = [ROW % ("q", "a"), "\n", "not json\n", '["list"]\n', ROW % ("", "a"), ROW % ("q2", "")]
    info = importing.text("a.jsonl", "".join(lines)).info
    assert (info.rows_in, info.rows_kept) == (5, 1)
    assert [(drop.line, drop.reason) for drop in info.dropped] == [
        (3, "not JSON: Expecting value at character 1"),
        (4, "not an object but a list"),
        (5, "the question is empty"),
        (6, "the answer is empty"),
    ]


def test_strict_refuses_what_would_be_dropped_and_stores_nothing(importing: Importing) -> None:
    with pytest.raises(RefusedError, match="line 2: not JSON"):
        importing.text("a.jsonl", ROW % ("q", "a") + "{\n", strict=True)
    assert datasets.versions(importing.paths, "d") == []


def test_drops_past_a_thousand_are_kept_in_a_file_also_by_another_split(importing: Importing) -> None:
    bad = "".join(f"not json {index}\n" for index in range(1500))
    info = importing.text("a.jsonl", ROW % ("q", "a") + bad + ROW % ("q2", "a")).info
    assert (info.rows_in, info.rows_kept, info.dropped_rows, len(info.dropped)) == (1502, 2, 1500, 1000)
    drops = datasets.read_dropped(importing.paths, info)
    assert [drop.line for drop in drops] == list(range(2, 1502))
    divided = split_dataset(importing.paths, "d", heldout=0.5).info
    assert datasets.read_dropped(importing.paths, divided) == drops


def test_strict_counts_all_and_lists_the_first(importing: Importing) -> None:
    with pytest.raises(RefusedError, match="1,500 rows would be dropped: line 2") as caught:
        importing.text("a.jsonl", ROW % ("q", "a") + "no\n" * 1500, strict=True)
    assert caught.value.happened.endswith("and 1,495 more")


def test_strict_refuses_also_when_the_version_is_there_already(importing: Importing) -> None:
    importing.text("a.jsonl", ROW % ("q", "a") + "{\n")
    with pytest.raises(RefusedError):
        importing.text("a.jsonl", ROW % ("q", "a") + "{\n", strict=True)


def test_a_column_map_makes_questions_and_json_answers(importing: Importing) -> None:
    importing.text("a.csv", 'text,category\nWhere is it?,"a ""b"""\n', map=MAP, answer_json="intent")
    (row,) = importing.rows()
    assert row.messages == [Message("user", "Where is it?"), Message("assistant", '{"intent": "a \\"b\\""}')]


def test_an_answer_template_is_filled_in_literally(importing: Importing) -> None:
    importing.text("a.csv", "text,category\nq,{x}\n", map=MAP, answer_template="It is {answer} {0}.")
    assert importing.rows()[0].messages[-1].content == "It is {x} {0}."


def test_a_system_column_comes_first(importing: Importing) -> None:
    importing.text("a.csv", "text,category,who\nq,a,Be brief.\n", map=MAP | {"system": "who"})
    assert [turn.role for turn in importing.rows()[0].messages] == ["system", "user", "assistant"]


def test_structures_of_a_mapped_json_column_become_json_text(importing: Importing) -> None:
    importing.text("a.jsonl", '{"text": "q", "category": {"a": [1, true]}}\n', map=MAP)
    assert json.loads(importing.rows()[0].messages[-1].content) == {"a": [1, True]}


def test_an_unknown_column_names_the_columns_and_the_nearest(importing: Importing) -> None:
    with pytest.raises(UsageError, match=r"'text', 'category'.*Did you mean 'category'\?"):
        importing.text("a.csv", classified(3, 1), map={"input": "text", "answer": "categry"})


def test_columns_without_a_known_shape_ask_for_a_map(importing: Importing) -> None:
    with pytest.raises(UsageError) as caught:
        importing.text("a.jsonl", '{"utterance": "q", "intent": "a"}\n')
    assert "--map input=utterance --map answer=intent" in caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"shape": "chatt"},
        {"shape": "chat", "map": MAP},
        {"map": {"input": "text"}},
        {"map": MAP | {"output": "text"}},
        {"answer_json": "a", "answer_template": "{answer}"},
        {"answer_template": "no place"},
        {"heldout": 1.0},
        {"heldout": -0.1},
    ],
)
def test_options_that_make_no_sense_are_refused(importing: Importing, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        importing.text("a.csv", classified(3, 1), **options)


def test_rated_answers_are_not_mistaken_for_chats(importing: Importing) -> None:
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}]
    info = importing.text("a.jsonl", json.dumps({"messages": turns, "label": False}) + "\n").info
    assert (info.kind, importing.rows()[0].label) == ("unpaired_preference", False)


def test_rows_of_another_kind_in_the_same_file_are_dropped(importing: Importing) -> None:
    chat = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\n'
    info = importing.text("a.jsonl", ROW % ("q", "a") * 2 + chat).info
    assert (info.shape, info.dropped[0].line) == ("prompt_completion", 3)
    assert info.dropped[0].reason.startswith("is a conversation (chat) among rows of another kind")


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", ""), ("a.json", "[]"), ("a.csv", "text,category\n")]
)
def test_a_file_without_rows_is_an_error(importing: Importing, name: str, content: str) -> None:
    with pytest.raises(TemperError, match="holds no rows"):
        importing.text(name, content)


def test_a_file_whose_rows_are_all_bad_says_why(importing: Importing) -> None:
    with pytest.raises(TemperError, match="line 1: not JSON"):
        importing.text("a.jsonl", "x\ny\n")


def test_a_missing_file_and_a_folder_are_named(importing: Importing, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"gone\.csv does not exist"):
        importing.file(tmp_path / "gone.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingError, match="has no JSONL, JSON, CSV, Parquet"):
        importing.file(tmp_path / "empty")


def test_a_file_that_changes_while_it_is_read_is_refused(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(ROW % ("q", "a") * 1000, encoding="utf-8")
    grown = False

    def grow(done: int, total: int) -> None:
        nonlocal grown
        if not grown:
            grown = True
            with path.open("a", encoding="utf-8") as file:
                file.write(ROW % ("late", "a"))

    with pytest.raises(TemperError, match="changed while it was read"):
        import_dataset(importing.paths, path, "d", ImportOptions(), progress=grow)
    assert datasets.versions(importing.paths, "d") == []


def test_progress_ends_at_the_size_of_the_file(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(ROW % ("q", "a") * 600, encoding="utf-8")
    told: list[tuple[int, int]] = []
    import_dataset(importing.paths, path, "d", ImportOptions(), progress=lambda *at: told.append(at))
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert told == sorted(told)


def test_a_split_is_a_new_version_with_the_same_rows(importing: Importing) -> None:
    importing.text("a.csv", classified(40, 2), map=MAP)
    before = [row.row for row in importing.rows()]
    made = split_dataset(importing.paths, "d", heldout=0.25, seed=3)
    assert (made.info.version, made.info.parent, made.info.splits) == (2, "d@1", {"train": 30, "heldout": 10})
    assert [row.row for row in importing.rows()] == before
    assert split_dataset(importing.paths, "d@1", heldout=0.25, seed=3).info == made.info


def test_the_content_hash_depends_on_rows_and_splits_only(importing: Importing) -> None:
    first = importing.text("a.csv", classified(40, 2), map=MAP, heldout=0.25).info
    spaced = importing.text("b.csv", classified(40, 2).replace("\n", "\r\n"), map=MAP, heldout=0.25).info
    other = importing.text("a.csv", classified(40, 2), map=MAP, heldout=0.25, seed=1).info
    assert (first.sha256 == spaced.sha256, first.sha256 == other.sha256) == (True, False)


def test_the_stored_report_is_the_one_that_was_returned(importing: Importing, paths: WorkspacePaths) -> None:
    imported = importing.text("a.jsonl", ROW % ("q", "a") + "{\n")
    assert datasets.load_info(paths, "d") == imported.info
    assert msgspec.json.decode(msgspec.json.encode(imported.info)) is not None


def test_a_file_in_the_workspace_is_remembered_by_its_relative_path(paths: WorkspacePaths) -> None:
    (paths.root / "data").mkdir(parents=True)
    path = paths.root / "data" / "a.jsonl"
    path.write_text(ROW % ("q", "a"), encoding="utf-8")
    assert import_dataset(paths, path, "d", ImportOptions()).info.source == "data/a.jsonl"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", ROW % ("q", "a") + ROW % ("q", "a"), "jsonl"),
        ("a.json", '{\n "data": []}', "json"),
        ("a.json", '[{"a": 1}]', "json"),
        ("a.jsonl", '[\n{"a": 1}\n]', "json"),
        ("a.jsonl", '["one", "row"]\n', "jsonl"),
        ("a.dat", "a;b\n1;2\n", "csv"),
        ("a.tsv", "[a]\tb\n1\t2\n", "tsv"),
    ],
)
def test_the_content_decides_the_format_where_the_name_does_not(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert Source(path).format == expected
