"""Examples, datasets and the report of an import.

An example has a stable id and one of five kinds of content; where it came from (line, source hash) travels
with it. How an example is rendered for a model is not known here (engine.data.rendering).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
DatasetKind = Literal["chat", "completion", "preference", "unpaired_preference", "text"]
SplitBy = Literal["", "random", "stratified", "group", "cluster", "time"]


class ToolCall(msgspec.Struct, omit_defaults=True):
    """One call that the assistant makes. `arguments` is a JSON object as text; `id` may be empty."""

    name: str
    arguments: str
    id: str = ""


class Message(msgspec.Struct, omit_defaults=True):
    """One turn of a conversation.

    `tool_calls` belong to an assistant's turn, `tool_call_id` and `name` to a tool's answer. An assistant's
    turn of weight 0 is context: it carries no loss.
    """

    role: Role
    content: str
    tool_calls: list[ToolCall] = []
    tool_call_id: str = ""
    name: str = ""
    weight: Literal[0, 1] = 1


class Example(msgspec.Struct, omit_defaults=True):
    """One row to train or test on. Which fields are used depends on the dataset's kind.

    chat: `messages`, the last one from the assistant; `tools`, the functions on offer as a JSON array (text).
    completion: one user message (the prompt) and one assistant message (the completion), joined by a plain
    template instead of a chat template. preference: `messages` is the prompt and the chosen ending,
    `rejected` the other ending; both follow the first `prompt_turns` messages. unpaired_preference: a chat
    with `label`, whether its answer is desirable. text: `text` alone, for continued pretraining.

    `row` stays the same when the same content is imported again; `line` is 1-based in the source (a record
    number where a format has no lines). `metadata` holds what a column map named besides: annotator, version,
    time, group, file.
    """

    row: str
    line: int
    messages: list[Message]
    split: str = "train"
    tools: str = ""
    rejected: list[Message] = []
    prompt_turns: int = 0
    label: bool | None = None
    text: str = ""
    metadata: dict[str, str] = {}


class Dropped(msgspec.Struct, omit_defaults=True):
    """A row of the source that is not in the dataset, and why.

    `line` is 1-based; `file` says in which file of a folder, and is empty where the source is one file.
    """

    line: int
    reason: str
    file: str = ""


class ImportOptions(msgspec.Struct, omit_defaults=True):
    """How a source becomes rows. The same source under equal options is the same version.

    `format` and `shape` empty are found out. `map` names the column of each part (`input`, `answer`, ...: see
    engine.data.mapping). `roles` says what a source's own role names mean. `answer_json` is a key: the answer
    becomes `{"key": answer}`. `answer_template` is a text with `{answer}`. `heldout` is a share in [0, 1).
    `split_by` empty and `stratify` None decide by whether answers repeat. `encoding` empty means UTF-8, or
    what a BOM says.
    """

    shape: str = ""
    map: dict[str, str] = {}
    answer_json: str = ""
    answer_template: str = ""
    heldout: float = 0.0
    seed: int = 0
    stratify: bool | None = None
    encoding: str = ""
    format: str = ""
    roles: dict[str, str] = {}
    split_by: SplitBy = ""


class Edit(msgspec.Struct):
    """One step of lineage: what `operation` did to how many rows of the parent version."""

    operation: str
    rows: int
    detail: str = ""


class DatasetInfo(msgspec.Struct, omit_defaults=True):
    """One version of a dataset and the report of its import, stored beside its Parquet file.

    `sha256` covers row ids and splits in order: it is that of the content, not of a file. `parent` is the
    version (`chats@1`) that this one was made from by `edits`, empty for an import. `source` is a path,
    relative to the workspace where it lies in it. For an import, rows_in == rows_kept + dropped_rows;
    `dropped` holds the first of these, all of them are in the version's dropped.jsonl.
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
    dropped_rows: int = 0
    shape: str = ""
    seed: int | None = None
    options: ImportOptions = msgspec.field(default_factory=ImportOptions)
    parent: str = ""
    stratified: bool = False
    edits: list[Edit] = []
