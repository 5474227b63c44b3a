"""Folders: what of them is data, in which order, and how they divide their rows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.importers.folders import read_folder
from engine.data.importing import import_dataset
from engine.data.source import Source
from store.errors import MissingError, TemperError, UsageError
from store.records.data import ImportOptions
from tests.engine.data.conftest import Importing

ROW = '{"prompt": "%s", "completion": "a"}\n'


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def saved(folder: Path, questions: list[str], shards: int = 1) -> Path:
    """A folder as save_to_disk leaves it."""
    folder.mkdir(parents=True)
    names = [f"data-{index:05}-of-{shards:05}.arrow" for index in range(shards)]
    for index, name in enumerate(names):
        some = questions[index::shards]
        table = pa.table({"prompt": some, "completion": ["a"] * len(some)})
        with pa.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_split": None, "_fingerprint": "f"}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text("{}", encoding="utf-8")
    return folder


def asked(importing: Importing, split: str) -> list[str]:
    return [row.messages[0].content for row in importing.rows(split)]


def test_a_saved_dataset_is_read_shard_by_shard(importing: Importing, tmp_path: Path) -> None:
    info = importing.file(saved(tmp_path / "set", ["q0", "q1", "q2", "q3"], shards=2)).info
    assert (info.rows_kept, info.splits) == (4, {"train": 4})
    assert [(row.line, row.metadata["file"]) for row in importing.rows()][2:] == [
        (1, "data-00001-of-00002.arrow"),
        (2, "data-00001-of-00002.arrow"),
    ]


def dictionary(root: Path) -> Path:
    for split, count in (("train", 8), ("validation", 2), ("test", 3)):
        saved(root / split, [f"{split}{index}" for index in range(count)])
    (root / "dataset_dict.json").write_text('{"splits": ["train", "validation", "test"]}', encoding="utf-8")
    return root


def test_a_dictionarys_test_and_validation_rows_stay_held_out(importing: Importing, tmp_path: Path) -> None:
    imported = importing.file(dictionary(tmp_path / "set"))
    assert imported.info.splits == {"train": 8, "heldout": 5}
    assert asked(importing, "heldout")[:2] == ["validation0", "validation1"]
    assert imported.notes == [
        "all splits are imported: test, train, validation",
        "test and validation rows are held out, as the source has it",
    ]


def test_a_share_that_is_asked_for_divides_all_rows_anew(importing: Importing, tmp_path: Path) -> None:
    imported = importing.file(dictionary(tmp_path / "set"), heldout=0.1)
    assert imported.info.splits == {"train": 12, "heldout": 1}
    assert "divided anew" in imported.notes[1]


def test_a_missing_shard_or_split_is_named(importing: Importing, tmp_path: Path) -> None:
    root = dictionary(tmp_path / "set")
    (root / "test" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(MissingError, match=r"test/data-00000-of-00001\.arrow does not exist"):
        importing.file(root)
    (root / "test" / "state.json").unlink()
    with pytest.raises(MissingError, match=r"test/state\.json"):
        importing.file(root)


@pytest.mark.parametrize("state", ["{", "[]", '{"_data_files": [{"filename": "../other.arrow"}]}', "{}"])
def test_a_damaged_state_is_an_error(tmp_path: Path, state: str) -> None:
    with pytest.raises(TemperError, match="damaged"):
        read_folder(lay(tmp_path, {"state.json": state}))


def test_an_empty_saved_dataset_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(TemperError, match="holds no rows"):
        read_folder(lay(tmp_path, {"state.json": '{"_data_files": []}'}))


def test_rows_chosen_by_an_index_are_refused(tmp_path: Path) -> None:
    state = '{"_data_files": [], "_indices_data_files": [{"filename": "indices.arrow"}]}'
    with pytest.raises(UsageError, match="index file"):
        read_folder(lay(tmp_path, {"state.json": state}))


def test_the_hubs_layout_is_read_training_rows_first(importing: Importing, tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {"README.md": "---\nlicense: mit\n---\nhello", ".gitattributes": "x"})
    (root / "data").mkdir()
    for name, count in (("test-00000-of-00001", 2), ("train-00000-of-00002", 3), ("train-00001-of-00002", 3)):
        table = pa.table(
            {"prompt": [f"{name} {index}" for index in range(count)], "completion": ["a"] * count}
        )
        pq.write_table(table, root / "data" / f"{name}.parquet")
    assert importing.file(root).info.splits == {"train": 6, "heldout": 2}
    assert [row.metadata["file"][5:12] for row in importing.rows()] == ["train-0"] * 6 + ["test-00"] * 2


def test_several_datasets_in_one_repository_are_refused(tmp_path: Path) -> None:
    card = "---\nconfigs:\n- config_name: main\n- config_name: socratic\n---\n"
    lay(tmp_path, {"README.md": card, "main/train.jsonl": ROW % "q", "socratic/train.jsonl": ROW % "q"})
    with pytest.raises(UsageError, match="main, socratic"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path / "main").parts) == 1


def test_files_of_one_kind_come_in_their_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, {f"part-{index}.jsonl": ROW % "q" for index in (10, 9, 1)} | {"z/a.ndjson": ROW % "q"})
    names = [part.name for part in read_folder(tmp_path).parts]
    assert names == ["part-1.jsonl", "part-9.jsonl", "part-10.jsonl", "z/a.ndjson"]


def test_a_dropped_row_names_its_file(importing: Importing, tmp_path: Path) -> None:
    lay(tmp_path / "set", {"a.jsonl": ROW % "q", "b.jsonl": ROW % "q2" + "{\n"})
    (drop,) = importing.file(tmp_path / "set").info.dropped
    assert (drop.file, drop.line) == ("b.jsonl", 2)


def test_several_kinds_are_refused_until_one_is_named(importing: Importing, tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {"a.jsonl": ROW % "q", "b.csv": "prompt,completion\nq,a\nr,b\n"})
    with pytest.raises(UsageError, match="1 CSV, 1 JSON") as caught:
        importing.file(root)
    assert "--format jsonl" in caught.value.remedy
    imported = importing.file(root, format="csv")
    assert imported.info.rows_kept == 2
    assert imported.notes == ["only CSV files are imported; left out: a.jsonl"]


def test_documents_become_texts_and_others_are_named(importing: Importing, tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {"a.md": "# A", "sub/b.txt": "B", "c.yml": "c: d", "README.md": "R"})
    imported = importing.file(root)
    assert [(row.text, row.metadata["file"]) for row in importing.rows()] == [
        ("R", "README.md"),
        ("# A", "a.md"),
        ("B", "sub/b.txt"),
    ]
    assert imported.notes == ["1 other file left out: c.yml"]


def test_pipes_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {"a.jsonl": ROW % "q"})
    os.mkfifo(root / "b.jsonl")
    (root / "loop").symlink_to(root)
    (root / "c.jsonl").symlink_to(root / "a.jsonl")
    found = read_folder(root)
    assert [part.name for part in found.parts] == ["a.jsonl", "c.jsonl"]
    assert found.notes == ["2 other files left out: b.jsonl, loop"]
    with pytest.raises(UsageError, match="a pipe"):
        Source(root / "b.jsonl")


def test_a_broken_link_is_an_error(importing: Importing, tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {"a.jsonl": ROW % "q"})
    (root / "b.jsonl").symlink_to(root / "gone.jsonl")
    with pytest.raises(MissingError, match="a link to something that is gone"):
        importing.file(root)


def test_the_same_folder_elsewhere_is_the_same_version(importing: Importing, tmp_path: Path) -> None:
    for name in ("one", "two"):
        lay(tmp_path / name, {"a.jsonl": ROW % "q"})
    first = importing.file(tmp_path / "one")
    assert importing.file(tmp_path / "two").info == first.info
    lay(tmp_path / "two", {"a.jsonl": ROW % "other"})
    assert importing.file(tmp_path / "two").info.version == 2


def test_progress_in_a_folder_never_goes_back(importing: Importing, tmp_path: Path) -> None:
    root = lay(tmp_path / "set", {f"{name}.jsonl": ROW % name * 600 for name in "abc"})
    told: list[tuple[int, int]] = []
    import_dataset(importing.paths, root, "d", ImportOptions(), progress=lambda *at: told.append(at))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == sum(path.stat().st_size for path in root.iterdir())


def test_a_file_name_that_is_no_text_can_be_stored(importing: Importing, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with open(os.fsencode(tmp_path) + b"/set/\xff.jsonl", "w", encoding="utf-8") as file:
        file.write(ROW % "q")
    importing.file(tmp_path / "set")
    assert importing.rows()[0].metadata == {"file": "?.jsonl"}
