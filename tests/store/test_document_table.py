"""Documents as a file: what was written is read back; an earlier generation has none."""

from __future__ import annotations

from pathlib import Path

from store import document_table
from store.records.knowledge import DocumentRecord


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    documents = [
        DocumentRecord(
            "a.md", "text\n", "A", "markdown", "2024-01-31", ["x", "y"], {"owner": "me"}, "1", "2"
        ),
        DocumentRecord("b.txt", ""),
    ]
    document_table.write(tmp_path, documents)
    assert document_table.read(tmp_path) == documents


def test_an_earlier_generation_has_none(tmp_path: Path) -> None:
    assert document_table.read(tmp_path) == []
