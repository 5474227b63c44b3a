"""What rows ask as vectors: embedded once, however many checks want them. Does not know what for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.checks.contract import Basis, CannotRun, Embed, Progress
from engine.data.checks.questions import questions_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

CHUNK = 100_000
AT_ONCE = 128
"""Texts between two looks at whether to stop: about a second of work for a processor alone."""
_remembered: dict[tuple[Embed, tuple[str, ...]], Vectors] = {}


def vectors_of(basis: Basis) -> tuple[Vectors, Ints]:
    """Unit vectors of the different questions [m, dimension], and each row's among them [n].

    Raises CannotRun where no embedder is used.
    """
    import numpy as np

    if basis.embed is None:
        raise CannotRun("needs an embedder: check again with --embeddings")
    questions = questions_of(basis.asked)
    return embedded(basis.embed, questions.texts, basis.progress), np.array(questions.of, dtype=np.int64)


def cosines(embed: Embed, texts: tuple[str, ...], a: Ints, b: Ints) -> npt.NDArray[np.float32]:
    """The cosine of each pair of `texts`."""
    import numpy as np

    vectors = embedded(embed, texts)
    result = np.zeros(len(a), dtype=np.float32)
    for begin in range(0, len(a), CHUNK):
        part = slice(begin, begin + CHUNK)
        result[part] = np.einsum("ij,ij->i", vectors[a[part]], vectors[b[part]])
    return result


def embedded(embed: Embed, texts: tuple[str, ...], progress: Progress | None = None) -> Vectors:
    """Unit vectors [n, dimension] of texts; those asked for last are remembered."""
    import numpy as np

    key = (embed, texts)
    if key not in _remembered:
        parts = []
        for begin in range(0, len(texts), AT_ONCE):
            if progress is not None:
                progress(begin, len(texts))
            parts.append(embed(texts[begin : begin + AT_ONCE]))
        if progress is not None:
            progress(len(texts), len(texts))
        _remembered.clear()
        _remembered[key] = np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)
    return _remembered[key]
