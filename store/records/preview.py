"""A row as a model will see it: token by token, with what carries loss. Made by engine.data.preview."""

from __future__ import annotations

from typing import Literal

import msgspec

Mask = Literal["assistant", "last", "completion", "whole"]
"""What carries loss. assistant: every answer of a conversation. last: its last answer only. completion: all
that follows the prompt. whole: every token."""


class Token(msgspec.Struct, gc=False):
    """One token. `text` is its part of the rendered text; joined, the texts are what the model reads.

    `special` tokens are those that no ordinary text becomes (turn markers, end of text).
    """

    id: int
    text: str
    trained: bool
    cut: bool = False
    special: bool = False


class Preview(msgspec.Struct):
    """A rendered row. `cut` tokens lie behind `max_length` and are not trained on.

    `trained` and `cut_trained` count tokens with loss before and behind the cut. `eos_trained` says whether a
    token that ends an answer carries loss. `problem` says why a row cannot be rendered or trained, or is
    empty; `note` what of it is not trained though the mask asks. `ending` is which ending of a preference row
    is shown. `max_length` 0: nothing says how much the model reads.
    """

    row: str
    line: int
    split: str
    model: str
    mask: Mask
    max_length: int
    tokens: list[Token]
    trained: int
    cut: int
    cut_trained: int
    eos_trained: bool
    problem: str = ""
    note: str = ""
    ending: Literal["", "chosen", "rejected"] = ""
