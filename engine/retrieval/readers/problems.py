"""Why a file is not in the knowledge base, and how much of one is read at most."""

from __future__ import annotations

MOST_CHARACTERS = 50_000_000
"""Text of one document. A book has one million."""


class Unreadable(Exception):
    """Why a file is not in the knowledge base, as the end of a sentence that begins with its name."""


def check_length(characters: int) -> None:
    """Raise Unreadable when a text grows beyond what is kept of one document."""
    if characters > MOST_CHARACTERS:
        raise Unreadable(f"its text has more than {MOST_CHARACTERS // 1_000_000} million characters")
