"""Plain text for continued pretraining: one column of it, and nothing that looks like an answer."""

from __future__ import annotations

from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, Rows, Shape, draft, first_key, text_of, words
from engine.data.shapes.roles import plain
from store.records.data import ImportOptions

TEXTS = ("text", "content")
# What text collections say about a document besides. Another column may be the label of a classification.
_ABOUT = set(
    words(
        "id uuid doc_id url uri link source sources title name author date time timestamp created"
        " created_at updated_at dump file file_path filename path section license licence lang"
        " language language_score score token_count tokens length word_count meta metadata added"
        " subset split index hash"
    )
)


def text_rows(record: Fields, options: ImportOptions) -> Rows:
    """A document: its text, as it stands."""
    key = first_key(record, TEXTS) or "text"
    text = text_of(record.get(key), key)
    if not text.strip():
        raise RowProblem("the text is empty")
    yield draft([], text=text)


def _is_text(record: Fields) -> bool:
    key = next((key for key in TEXTS if key in record), "")
    return bool(key) and all(name == key or plain(name) in _ABOUT for name in record)


SHAPES = (Shape("text", "text", "'text'", _is_text, text_rows),)
