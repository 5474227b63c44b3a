"""One answer and whether it is a good one (KTO): a row of any other shape with a label."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.data.problems import RowProblem
from engine.data.shapes.chat import conversation_of, list_key
from engine.data.shapes.contract import Fields, Rows, Shape, draft, shown, words
from engine.data.shapes.pairs import alpaca_rows, is_pair, pair_rows
from engine.data.shapes.roles import plain
from engine.data.shapes.tools import tools_of
from store.records.data import ImportOptions

LABELS = ("label", "kto_tag", "desirable", "is_desirable", "thumbs_up", "feedback", "thumbs")
_GOOD = set(words("true 1 1_0 good up thumbs_up thumbsup like liked desirable chosen accepted"))
_BAD = set(words("false 0 0_0 bad down thumbs_down thumbsdown dislike disliked undesirable rejected"))
_SIGNS = {"👍": True, "+1": True, "👎": False, "-1": False}  # a skin tone may follow


def rating_of(value: Any) -> bool | None:
    """Whether a label says good (True) or bad (False); None where it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return True if value == 1 else False if value in (0, -1) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    for sign, good in _SIGNS.items():
        if text.startswith(sign) and len(text) <= len(sign) + 2:
            return good
    word = plain(text)
    return True if word in _GOOD else False if word in _BAD else None


def label_key(record: Fields) -> str:
    """Under which name a record carries its label; empty where it has none."""
    return next((key for key in LABELS if key in record), "")


def rated_rows(record: Fields, options: ImportOptions) -> Rows:
    """A conversation, a pair of columns or an Alpaca row, with `label` or another name of it."""
    key = label_key(record)
    label = rating_of(record.get(key))
    if label is None:
        raise RowProblem(f"the label {shown(record.get(key))} says neither good nor bad")
    for row in _answered(record, options):
        yield row if isinstance(row, RowProblem) else msgspec.structs.replace(row, label=label)


def _answered(record: Fields, options: ImportOptions) -> Rows:
    if key := list_key(record):
        yield draft(conversation_of(record, key, options), tools=tools_of(record))
    elif "instruction" in record:
        yield from alpaca_rows(record, options)
    else:
        yield from pair_rows(record, options)


def has_row(record: Fields) -> bool:
    """Whether a record holds something that a label can rate."""
    return bool(list_key(record)) or is_pair(record) or "instruction" in record


def _is_rated(record: Fields) -> bool:
    key = label_key(record)
    return bool(key) and rating_of(record[key]) is not None and has_row(record)


SHAPES = (Shape("unpaired", "unpaired_preference", "an answer and its 'label'", _is_rated, rated_rows),)
