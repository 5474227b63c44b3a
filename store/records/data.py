"""Examples, datasets and the report of an import.

An example has messages and a stable id; where it came from (line, source hash) travels with it. How
an example is rendered for a model is not known here (engine.data.render).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
DatasetKind = Literal["chat", "completion"]


class Message(msgspec.Struct, omit_defaults=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Example(msgspec.Struct, omit_defaults=True):
    """One row to train or test on.

    chat: `messages`, the last one from the assistant. completion: one user message (the prompt) and
    one assistant message (the completion), joined by a plain template instead of a chat template.
    `row` stays the same when the same content is imported again; `line` is 1-based in the source.
    """

    row: str
    line: int
    messages: list[Message]
    split: str = "train"


class Dropped(msgspec.Struct):
    """A row of the source that is not in the dataset, and why. `line` is 1-based."""

    line: int
    reason: str


class ImportOptions(msgspec.Struct, omit_defaults=True):
    """How a source becomes rows. The same source under equal options is the same version.

    `map` names the column of `input`, `answer` and `system`. `answer_json` is a key: the answer becomes
    `{"key": answer}`. `answer_template` is a text with `{answer}`. `heldout` is a share in [0, 1).
    `stratify` None decides by whether answers repeat. `encoding` empty means UTF-8, or what a BOM says.
    """

    shape: str = ""
    map: dict[str, str] = {}
    answer_json: str = ""
    answer_template: str = ""
    heldout: float = 0.0
    seed: int = 0
    stratify: bool | None = None
    encoding: str = ""


class DatasetInfo(msgspec.Struct, omit_defaults=True):
    """One version of a dataset and the report of its import, stored beside its Parquet file.

    `sha256` covers row ids and splits in order: it is that of the content, not of a file. `parent` is the
    version (`chats@1`) that this one was made from, empty for an import. `source` is a path, relative to the
    workspace where it lies in it. rows_in == rows_kept + len(dropped).
    """

    name: str
    version: int
    kind: DatasetKind
    source: str
    source_sha256: str
    sha256: str
    created: str
    rows_in: int
    rows_kept: int
    splits: dict[str, int] = {}
    dropped: list[Dropped] = []
    shape: str = ""
    seed: int | None = None
    options: ImportOptions = msgspec.field(default_factory=ImportOptions)
    parent: str = ""
    stratified: bool = False
