"""The origin of an export: the same for the same parts, another for any other part, readable in the file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.export.convert import to_gguf
from engine.export.gguf_header import read_header
from engine.export.origin import ORIGIN_KEY, licence, metadata_of, origin_of, origin_sha256
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.records.adapters import AdapterPassport
from store.records.exports import AdapterShare, Mix
from store.records.passports import Origin
from tests.bases import RECIPE, altered

pytestmark = pytest.mark.training

TINY = builtin_directory("tiny")
PASSPORT = AdapterPassport(
    run_id="train-1",
    base="tiny",
    base_path="/models/tiny",
    base_sha256="aa",
    dataset="chats@1",
    dataset_sha256="bb",
    recipe=RECIPE,
    adapter_sha256="cc",
    template_sha256="dd",
    system="",
    steps=4,
    created="2026-01-31T10:00:00.000Z",
    device="cpu",
    versions={"torch": "1"},
)


def origin(passport: AdapterPassport = PASSPORT, **changes: Any) -> Origin:
    known = {"base_sha256": "aa", "versions": {"peft": "1"}, "mix": None} | changes
    return origin_of(ModelDirectory(TINY), passports=[passport], **known)


def test_the_same_parts_have_the_same_hash() -> None:
    again = msgspec.json.decode(msgspec.json.encode(PASSPORT), type=AdapterPassport)
    assert origin_sha256(origin()) == origin_sha256(origin(again))
    assert len(origin_sha256(origin())) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"adapter_sha256": "x"},
        {"dataset_sha256": "x"},
        {"template_sha256": "x"},
        {"versions": {"torch": "2"}},
        {"other_data": {"replay@1": "x"}},
        {"recipe": msgspec.structs.replace(RECIPE, seed=9)},
        {"recipe": msgspec.structs.replace(RECIPE, mask="completion")},
        {"recipe": msgspec.structs.replace(RECIPE, learning_rate=0.5)},
    ],
)
def test_any_other_part_of_the_adapter_gives_another_hash(changes: dict[str, Any]) -> None:
    assert origin_sha256(origin(msgspec.structs.replace(PASSPORT, **changes))) != origin_sha256(origin())


@pytest.mark.parametrize(
    "changes", [{"base_sha256": "x"}, {"versions": {}}, {"mix": Mix([AdapterShare("a", 0.5)])}]
)
def test_another_base_mix_or_version_gives_another_hash(changes: dict[str, Any]) -> None:
    assert origin_sha256(origin(**changes)) != origin_sha256(origin())


def test_where_and_when_it_was_trained_is_no_part_of_it() -> None:
    moved = msgspec.structs.replace(PASSPORT, base_path="/elsewhere", created="2027", device="cuda")
    assert origin_sha256(origin(moved)) == origin_sha256(origin())


@pytest.mark.parametrize(
    ("card", "named"),
    [
        ("---\nlicense: apache-2.0\nlanguage: en\n---\n# A model\nlicense: no", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: 'our own'\n---\n", "our own"),
        ("# A model\nlicense: mit\n", ""),
        (None, ""),
    ],
)
def test_the_licence_is_what_the_model_card_names(card: str | None, named: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "base"))
    if card is not None:
        (folder / "README.md").write_text(card, encoding="utf-8")
    assert licence(ModelDirectory(folder)) == named


def test_a_file_says_what_it_was_made_from(micro: Path, tmp_path: Path) -> None:
    folder = altered(micro, tmp_path / "base", "config.json", _name_or_path="them/their-model")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    made = origin_of(ModelDirectory(folder), "aa", [PASSPORT], {})
    header = read_header(to_gguf(folder, tmp_path / "x.gguf", metadata=metadata_of(made)))
    assert header.metadata[ORIGIN_KEY] == origin_sha256(made)
    assert header.metadata["general.license"] == "mit"
    assert header.metadata["general.base_model.0.name"] == "them/their-model"
    assert header.metadata["general.base_model.count"] == 1
