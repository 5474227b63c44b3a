"""Text that was read in the wrong encoding, read right; control characters taken out.

Letters that are lost (U+FFFD) stay lost: only the source still has them.
"""

from __future__ import annotations

import re

import msgspec

from store.records.data import Example, Message

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


def repaired_example(example: Example) -> Example:
    """The row with every text repaired; the row itself where nothing was wrong."""
    changed = msgspec.structs.replace(
        example,
        text=repaired(example.text),
        messages=[_turn(turn) for turn in example.messages],
        rejected=[_turn(turn) for turn in example.rejected],
    )
    return example if changed == example else changed


def repaired(text: str) -> str:
    """A text with mojibake undone line by line, by ftfy, and without control characters."""
    if text.isascii() and not _CONTROL.search(text):
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    lines = text.splitlines(keepends=True)
    return _CONTROL.sub("", "".join(fix_encoding(line) if is_bad(line) else line for line in lines))


def _turn(turn: Message) -> Message:
    calls = [msgspec.structs.replace(call, arguments=repaired(call.arguments)) for call in turn.tool_calls]
    return msgspec.structs.replace(turn, content=repaired(turn.content), tool_calls=calls)
