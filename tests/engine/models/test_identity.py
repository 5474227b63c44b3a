"""The hash of a variant changes exactly when an answer could: every key of it, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.models.variants import identity_of, resolve
from store import clock, knowledge
from store.records.data import Message
from store.records.knowledge import Manifest
from store.records.output import OutputFormat
from store.records.workspace import (
    FewShot,
    GgufAdapter,
    Output,
    RemoteModel,
    ResolvedVariant,
    Sampling,
    Search,
    Variant,
)
from store.workspace import Workspace

Settings = dict[str, Any]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
TEXTS = {
    "a.md": "Be brief.",
    "b.md": "Be thorough.",
    "a.json": json.dumps(SCHEMA),
    "b.json": json.dumps({**SCHEMA, "required": ["a"]}),
    "one.gguf": "GGUF one",
    "two.gguf": "GGUF the other",
}
BASE: Settings = {
    "model": "one",
    "prompt": "a.md",
    "knowledge": "docs",
    "top_k": 3,
    "few_shot": {"dataset": "chats", "rows": 2, "seed": 1},
    "output": {"schema": "a.json"},
    "sampling": {"temperature": 0.5, "max_tokens": 50},
}


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class Shop:
    """A workspace that can be written anew with other settings, and says what its variant's hash is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.search: Settings = {}
        for name, text in TEXTS.items():
            (root / name).write_text(text, encoding="utf-8")
        self.rows(20)
        self.publish()

    def rows(self, count: int, answer: str = "a") -> None:
        rows = [{"question": f"q{at}", "answer": f"{answer}{at}"} for at in range(count)]
        (self.root / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def publish(self, kb: str = "docs", **more: Any) -> None:
        """A generation, as far as its manifest goes."""
        paths = self.workspace({}).paths

        def write(folder: Path, number: int) -> Manifest:
            said: Settings = {
                "dimension": 4,
                "embedder": "e",
                "embedder_sha256": "0" * 64,
                "chunk_tokens": 64,
            } | more
            return Manifest(kb, number, clock.stamp(), documents=1, chunks=1, **said)

        with knowledge.publishing(paths, kb, "a test"):
            knowledge.publish(paths, kb, write)

    def workspace(self, variant: Settings, name: str = "tested") -> Workspace:
        lines = ['[datasets.chats]\nsource = "chats.jsonl"', f"[variants]\n{name} = {toml(variant)}"]
        lines += [f'[models.{one}]\npath = "{one}.gguf"' for one in ("one", "two")]
        lines += [
            f'[knowledge.{kb}]\nsources = ["x"]\nsearch = {toml(self.search)}' for kb in ("docs", "laws")
        ]
        (self.root / "temper.toml").write_text("\n".join(lines), encoding="utf-8")
        return Workspace(self.root)

    def hash(self, variant: Settings, name: str = "tested") -> str:
        return resolve(self.workspace(variant, name), name).sha256


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


OTHERWISE: dict[str, list[Settings]] = {
    "model": [{"model": "two"}],
    "adapters": [
        {"adapters": [{"path": "one.gguf"}]},
        {"adapters": [{"path": "one.gguf"}, {"path": "two.gguf", "scale": 0.5}]},
    ],
    "prompt": [{"prompt": "b.md"}],
    "template": [{"template": "{prompt}\n{completion}"}],
    "knowledge": [{"knowledge": "laws"}],
    "top_k": [{"top_k": 4}],
    "few_shot": [{"few_shot": BASE["few_shot"] | one} for one in ({"rows": 3}, {"seed": 2})],
    "output": [
        {"output": one}
        for one in ({"schema": "b.json"}, {"json": True}, {"choices": ["a"]}, {"pattern": "a"})
    ],
    "sampling": [
        {"sampling": BASE["sampling"] | one}
        for one in (
            {"temperature": 0.6},
            {"top_p": 0.9},
            {"top_k": 5},
            {"min_p": 0.1},
            {"repetition_penalty": 1.1},
            {"frequency_penalty": 0.1},
            {"presence_penalty": 0.1},
            {"max_tokens": 51},
            {"seed": 1},
        )
    ],
}
ELSEWHERE = {"inherits", "adapter", "quant"}
"""Keys that change no answer by themselves: they lead to others, or to another GGUF."""


def test_every_key_of_a_variant_is_tried_here() -> None:
    assert set(OTHERWISE) | ELSEWHERE == set(Variant.__struct_fields__)
    tried = {key for one in OTHERWISE["sampling"] for key in one["sampling"]}
    assert tried == set(Sampling.__struct_fields__)
    tried = {key for one in OTHERWISE["output"] for key in one["output"]}
    assert tried == set(Output.__struct_fields__)
    assert set(BASE["few_shot"]) == set(FewShot.__struct_fields__)


@pytest.mark.parametrize("change", [one for ways in OTHERWISE.values() for one in ways], ids=json.dumps)
def test_another_value_of_a_key_is_another_hash(shop: Shop, change: Settings) -> None:
    shop.publish("laws", doc_sha256={"law": "1"})

    assert shop.hash(BASE | change) != shop.hash(BASE)


@pytest.mark.parametrize("key", sorted(set(BASE) - {"model"}))
def test_a_key_left_out_is_another_hash(shop: Shop, key: str) -> None:
    assert shop.hash({name: value for name, value in BASE.items() if name != key}) != shop.hash(BASE)


SEARCHES: list[Settings] = [
    {"query": "hyde"},
    {"query_model": "two"},
    {"reranker": "two.gguf"},
    {"diversity": 0.5},
    {"parents": True},
    {"parent_characters": 500},
    {"budget_tokens": 9},
    {"stale_days": 3},
]


def test_how_passages_are_found_is_in_the_hash(shop: Shop) -> None:
    assert {key for one in SEARCHES for key in one} == set(Search.__struct_fields__)
    found = [shop.hash(BASE)]
    for shop.search in SEARCHES:
        found.append(shop.hash(BASE))

    assert len(set(found)) == len(found)


CHANGED: dict[str, Callable[[Shop], object]] = {
    "the prompt's text": lambda shop: (shop.root / "a.md").write_text("Be kind."),
    "the schema's text": lambda shop: (shop.root / "a.json").write_text('{"type": "object"}'),
    "the model's file": lambda shop: (shop.root / "one.gguf").write_text("GGUF changed, and longer"),
    "the documents": lambda shop: shop.publish(doc_sha256={"a": "2"}),
    "how they are cut": lambda shop: shop.publish(chunk_tokens=99),
}
UNCHANGED: dict[str, Callable[[Shop], object]] = {
    "white space around the prompt": lambda shop: (shop.root / "a.md").write_text("\nBe brief.\n\n"),
    "white space in the schema": lambda shop: (shop.root / "a.json").write_text(json.dumps(SCHEMA, indent=3)),
    "the same documents built again": lambda shop: shop.publish(),
    "another knowledge base": lambda shop: shop.publish("laws", doc_sha256={"law": "1"}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_a_variant_reads_is_in_its_hash(shop: Shop, what: str) -> None:
    before = shop.hash(BASE)
    CHANGED[what](shop)

    assert shop.hash(BASE) != before


@pytest.mark.parametrize("what", UNCHANGED)
def test_what_changes_no_answer_changes_no_hash(shop: Shop, what: str) -> None:
    before = shop.hash(BASE)
    UNCHANGED[what](shop)

    assert shop.hash(BASE) == before


@pytest.mark.parametrize(
    "same",
    [
        {"prompt": "c.md"},
        {"knowledge": "laws"},
        {"sampling": {"temperature": 0.5, "max_tokens": 50, "top_p": 1.0}},
        {"few_shot": {"dataset": "chats@1", "rows": 2, "seed": 1}},
    ],
    ids=json.dumps,
)
def test_other_names_of_the_same_parts_are_the_same_hash(shop: Shop, same: Settings) -> None:
    (shop.root / "c.md").write_text("Be brief.")
    shop.publish("laws")

    assert shop.hash(BASE | same) == shop.hash(BASE)
    assert shop.hash(BASE, "renamed") == shop.hash(BASE)


def test_rows_that_are_shown_are_in_the_hash_and_the_others_are_not(tmp_path: Path) -> None:
    found = []
    for name, answer in (("a", "a"), ("b", "b")):
        (tmp_path / name).mkdir()
        shop = Shop(tmp_path / name)
        shop.rows(20, answer)
        without = {key: value for key, value in BASE.items() if key != "model"}
        found.append(shop.workspace(without | {"model": str(tmp_path / "a/one.gguf")}))

    assert resolve(found[0], "tested").sha256 != resolve(found[1], "tested").sha256


REMOTE = ResolvedVariant("x", "", remote=RemoteModel("http://127.0.0.1:1/v1", "big", "KEY"))


@pytest.mark.parametrize(
    ("remote", "same"),
    [
        (RemoteModel("http://127.0.0.1:1/v1", "big", "OTHER_KEY"), True),
        (RemoteModel("http://127.0.0.1:2/v1", "big", "KEY"), False),
        (RemoteModel("http://127.0.0.1:1/v1", "small", "KEY"), False),
    ],
)
def test_a_remote_model_is_its_address_and_its_name_there(
    shop: Shop, remote: RemoteModel, same: bool
) -> None:
    workspace = shop.workspace(BASE)
    other = msgspec.structs.replace(REMOTE, remote=remote)

    assert (identity_of(workspace, other) == identity_of(workspace, REMOTE)) == same


def test_a_file_that_temper_made_is_known_by_what_it_was_made_of(shop: Shop) -> None:
    workspace = shop.workspace(BASE)
    folder = workspace.paths.models
    folder.mkdir(parents=True)
    (folder / "abc-q8_0.gguf").write_text("GGUF")
    (folder / "abd-q8_0.gguf").write_text("GGUF")
    one, other = (ResolvedVariant("x", str(folder / f"{name}-q8_0.gguf")) for name in ("abc", "abd"))
    before = identity_of(workspace, one)
    (folder / "abc-q8_0.gguf").touch()

    assert identity_of(workspace, one) == before
    assert identity_of(workspace, other) != before


def test_every_part_of_a_resolved_variant_is_in_its_hash(shop: Shop) -> None:
    known = {"name", "gguf", "source", "run_id", "sha256"}  # names, and the file that is looked at instead
    values: Settings = {
        "system": "s",
        "template": "t",
        "knowledge": "k",
        "top_k": 9,
        "sampling": Sampling(seed=5),
        "shots": [Message("user", "u")],
        "output": OutputFormat("json_object"),
        "remote": RemoteModel("u", "m"),
        "generation": "g",
        "adapters": [GgufAdapter(str(shop.root / "one.gguf"))],
    }
    assert known | values.keys() == set(ResolvedVariant.__struct_fields__)
    workspace, bare = shop.workspace(BASE), ResolvedVariant("x", "")
    found = [msgspec.structs.replace(bare, **{key: value}) for key, value in values.items()]

    assert len({identity_of(workspace, one) for one in [bare, *found]}) == len(found) + 1
