"""py3langid, made to read many texts at once: what it says of a text is the same, letter for letter.

Its tables are far larger than a processor's caches, so a text read alone waits for memory at every byte;
texts read side by side wait together. Knows nothing of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

if TYPE_CHECKING:
    import numpy.typing as npt


class ManyTexts(LanguageIdentifier):  # type: ignore[misc]  # py3langid has no types
    """An identifier that can be told what it will be asked about next."""

    __slots__ = ("_moves", "_rows", "_says", "_walked")

    def expect(self, texts: Sequence[str]) -> None:
        """Read these texts, so that `classify` need not. Those expected before are forgotten."""
        encoded = list({self._encode(text) for text in texts})
        self._walked = dict(zip(encoded, self._walk(encoded), strict=True))

    def _raw_score(self, text: bytes) -> npt.NDArray[np.float32]:
        visits = self._walked.get(text)
        scores: npt.NDArray[np.float32]
        scores = self._sparse_score(visits, self.nb_ptc) if visits else super()._raw_score(text)
        return scores

    def _walk(self, encoded: Sequence[bytes]) -> list[Counter[int]]:
        """What py3langid's `visit_counts` gives for each text: features in the order in which they come."""
        sizes = np.array([len(text) for text in encoded], dtype=np.int64)
        order = np.argsort(-sizes, kind="stable")
        longest = int(sizes.max(initial=0))
        letters = np.zeros((longest, len(encoded)), dtype=np.int64)
        for place, at in enumerate(order.tolist()):
            letters[: sizes[at], place] = np.frombuffer(encoded[at], dtype=np.uint8)
        met = np.full((longest, len(encoded)), -1, dtype=np.int32)
        states = np.zeros(len(encoded), dtype=np.int64)
        for step in range(longest):
            going = int(np.searchsorted(-sizes[order], -step, side="left"))
            states = self._moves[self._rows[states[:going]] + letters[step, :going]]
            met[step, :going] = self._says[states]
        visits: list[Counter[int]] = [Counter()] * len(encoded)
        for place, at in enumerate(order.tolist()):
            features = met[: sizes[at], place]
            visits[at] = Counter(features[features >= 0].tolist())
        return visits


def load() -> ManyTexts:
    """The model over the languages that have a two-letter code, as `--language` names them."""
    made: ManyTexts = ManyTexts.from_model_file(MODEL_FILE, norm_probs=True)
    # Dialects and pidgins without such a code take probability from the language people would name.
    made.set_languages([label for label in made.labels if len(label) == 2])
    # As it comes the table is float16, and column by column once languages were taken out: slow to add up.
    made.nb_ptc = np.ascontiguousarray(made.nb_ptc, dtype=np.float32)
    made._moves = np.frombuffer(made.tk_nextmove, dtype=f"u{made.tk_nextmove.itemsize}")
    made._rows = np.array(made._rowbase, dtype=np.int64)
    made._says = np.array(made.tk_output, dtype=np.int32)
    made._walked = {}
    return made
