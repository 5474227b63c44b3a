"""JSON without guessing: a key that stands twice, NaN and Infinity are refused, not settled in silence."""

from __future__ import annotations

import json
from typing import Any


class Decoder:
    """A JSON decoder that reads on past doubtful values and notes the first of them in `problem`."""

    def __init__(self) -> None:
        self.problem = ""
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)

    def raw_decode(self, text: str, start: int = 0) -> tuple[Any, int]:
        """The value at `start` and where it ends. Raises ValueError or RecursionError where there is none."""
        self.problem = ""
        return self._decoder.raw_decode(text, start)

    def decode(self, text: str) -> Any:
        """The one value that `text` is. Raises ValueError with the reason where it is not strictly JSON."""
        self.problem = ""
        try:
            value = self._decoder.decode(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if self.problem:
            raise ValueError(self.problem)
        return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and not self.problem:
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() returns None: "not seen yet"
            self.problem = f"the key {twice!r} stands twice in one object"
        return found

    def _constant(self, name: str) -> float:
        self.problem = self.problem or f"{name} is not JSON"
        return float("nan")


def decode(text: str) -> Any:
    """The JSON value of `text`. Raises ValueError with the reason."""
    return Decoder().decode(text)
