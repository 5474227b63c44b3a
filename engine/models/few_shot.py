"""Rows of a dataset shown before the question: which ones, fixed by a seed, never held-out ones.

Knows nothing of prompts: rows come out as turns.
"""

from __future__ import annotations

import random

from store import datasets
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.workspace import FewShot
from store.workspace import Workspace

TRAIN = "train"


def check_few_shot(settings: FewShot) -> None:
    """Raise UsageError for rows that must not be shown: what is evaluated on would be given away."""
    split = datasets.parse_reference(settings.dataset).split
    if split not in (None, TRAIN):
        raise UsageError(
            "Few-shot rows come from the rows to train on",
            f"few_shot.dataset is {settings.dataset!r}: rows of {split!r} are kept for evaluation.",
            f"Name the dataset alone: {settings.dataset.partition('/')[0]}",
        )


def shots(workspace: Workspace, settings: FewShot) -> list[Message]:
    """The turns of the chosen rows, one row behind the other, without system messages.

    The same rows in the same order for the same version and seed, whatever else the dataset's file holds.
    Raises UsageError when the dataset is unknown, has too few rows, or none that ends with an answer.
    """
    from engine.data.ensure import ensure_dataset  # importers, which most variants never need

    check_few_shot(settings)
    info = ensure_dataset(workspace, settings.dataset)
    rows = [
        example
        for example in datasets.iterate_rows(workspace.paths, f"{info.name}@{info.version}/{TRAIN}")
        if is_shown(example)
    ]
    if len(rows) < settings.rows:
        raise UsageError(
            "There are too few rows to show",
            f"{info.name}@{info.version} has {len(rows)} training rows of a question and an answer; "
            f"few_shot.rows is {settings.rows}.",
            "Ask for fewer, or name another dataset.",
        )
    rows.sort(key=lambda example: example.row)
    chosen = random.Random(settings.seed).sample(rows, settings.rows)
    return [
        Message(message.role, message.content)
        for example in chosen
        for message in example.messages
        if message.role != "system"
    ]


def is_shown(example: Example) -> bool:
    """Whether a row can stand in a prompt: plain turns that end with the assistant's answer."""
    turns = [message for message in example.messages if message.role != "system"]
    plain = all(message.role in ("user", "assistant") and not message.tool_calls for message in turns)
    return plain and len(turns) >= 2 and turns[-1].role == "assistant" and turns[0].role == "user"
