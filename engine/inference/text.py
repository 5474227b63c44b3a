"""Text that comes in pieces: cut at stop strings, held back while it could become one.

Knows nothing of tokens or models.
"""

from __future__ import annotations

from collections.abc import Sequence


class TextTail:
    """Text as it may be shown: cut at the first stop string, and held back while it could become one.

    `trailing` is text that belongs to the template: dropped where an answer ends with it.
    """

    def __init__(self, stops: Sequence[str] = (), trailing: str = "") -> None:
        self._stops = [stop for stop in stops if stop]
        self._trailing = trailing
        self._watched = [*self._stops, *([trailing] if trailing else [])]
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What can be shown once `text` has come; `stopped` is set when a stop string is complete."""
        if not self._watched:
            return text
        self._held += text
        ends = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if ends:
            self.stopped = True
            shown, self._held = self._held[: min(ends)], ""
            return shown
        keep = max(overlap(self._held, stop) for stop in self._watched)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def finish(self) -> str:
        """What was held back, less the template's own end."""
        held, self._held = self._held, ""
        return held.removesuffix(self._trailing) if self._trailing else held


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with (all of `stop` included)."""
    longest = min(len(text), len(stop))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
