"""Rows of a dataset shown before the question: which ones, fixed by a seed, never held-out ones.

Also tells which questions such rows give away. Knows nothing of prompts: rows come out as turns.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from store import datasets
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.workspace import FewShot
from store.workspace import Workspace

TRAIN = "train"
LEAST_WORDS, LEAST_SHARED = 9, 0.9
"""So many words, and such a share of the longer question's, make two questions the same one."""


def check_few_shot(workspace: Workspace, settings: FewShot) -> None:
    """Raise UsageError for rows that are not there, or kept for evaluation: they would be given away."""
    asked = datasets.parse_reference(settings.dataset)
    split, there = asked.split, datasets.versions(workspace.paths, asked.name)
    names = sorted({*datasets.names(workspace.paths), *workspace.config.datasets})
    if asked.name not in names or (asked.version is not None and asked.version not in (there or [1])):
        raise UsageError(
            "The few-shot rows are not there",
            f"few_shot.dataset is {settings.dataset!r}; there are: {', '.join(names) or 'no datasets'}"
            + (f", of {asked.name} the versions {', '.join(map(str, there))}." if there else "."),
            "Name one of them, or import it: temper data import FILE --as NAME",
        )
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

    check_few_shot(workspace, settings)
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


def given_away(shown: Sequence[Message], conversations: Sequence[Sequence[Message]]) -> list[int]:
    """The places of the conversations whose questions stand among the turns `shown`, or all but do.

    Letters' case, punctuation and spacing do not tell two questions apart, nor does one word in ten or more.
    An answer to such a conversation is read off the prompt: it says nothing of what the variant can do.
    """
    known = [_words(message.content) for message in shown if message.role == "user"]
    found = []
    for place, conversation in enumerate(conversations):
        asked = [_words(message.content) for message in conversation if message.role == "user"]
        spans = (known[at : at + len(asked)] for at in range(len(known) - len(asked) + 1))
        if asked and any(all(map(_alike, span, asked)) for span in spans):
            found.append(place)
    return found


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"\w+", folded) or folded.split()


def _alike(one: list[str], other: list[str]) -> bool:
    if one == other:
        return True
    shared = (Counter(one) & Counter(other)).total()
    return shared >= LEAST_WORDS and shared >= LEAST_SHARED * max(len(one), len(other))


def is_shown(example: Example) -> bool:
    """Whether a row can stand in a prompt: plain turns that end with the assistant's answer."""
    turns = [message for message in example.messages if message.role != "system"]
    plain = all(message.role in ("user", "assistant") and not message.tool_calls for message in turns)
    return plain and len(turns) >= 2 and turns[-1].role == "assistant" and turns[0].role == "user"
