"""What both arms of G10 are given: passages, vectors, questions, made from a seed and written to a folder.

The vectors are cheap: words projected to 384 numbers at random, so that passages on one topic lie together as
a model's do, which vectors drawn at random do not. They say nothing about the quality of a search.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

WORDS, TOPICS, TOPIC_WORDS, DIMENSION = 20_000, 200, 300, 384
PASSAGE_WORDS, QUESTION_WORDS = 120, 8
FROM_TOPIC = 0.6
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "on")]

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


def write(folder: Path, passages: int, questions: int, seed: int = 0) -> None:
    """`passages.json`, `vectors.npy`, `questions.json` and `question_vectors.npy` in `folder`."""
    rng = np.random.default_rng(seed)
    names = np.array(_names(rng))
    zipf = 1 / np.arange(1, WORDS + 1)
    usual = np.cumsum(zipf / zipf.sum())
    topics = rng.integers(0, WORDS, (TOPICS, TOPIC_WORDS))
    projection = rng.normal(size=(WORDS, DIMENSION)).astype(np.float32)
    projection *= np.log(WORDS * np.diff(usual, prepend=0) + 1)[::-1, None]  # rare words weigh more
    of = rng.integers(0, TOPICS, passages)
    chosen = np.searchsorted(usual, rng.random((passages, PASSAGE_WORDS))).clip(max=WORDS - 1)
    special = rng.random((passages, PASSAGE_WORDS)) < FROM_TOPIC
    chosen[special] = _of_topic(rng, topics, of)[special]
    asked = rng.integers(0, passages, questions)
    words = np.array([rng.choice(chosen[row][special[row]], QUESTION_WORDS) for row in asked])
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, "passages.json", "vectors.npy", names, chosen, projection)
    _write(folder, "questions.json", "question_vectors.npy", names, words, projection)


def _of_topic(rng: np.random.Generator, topics: Numbers, of: Numbers) -> Numbers:
    at = (rng.random((len(of), PASSAGE_WORDS)) ** 2 * TOPIC_WORDS).astype(np.int64)
    words: Numbers = topics[of[:, None], at]
    return words


def _write(
    folder: Path,
    texts: str,
    vectors: str,
    names: npt.NDArray[np.str_],
    words: Numbers,
    projection: Vectors,
) -> None:
    lines = [" ".join(names[row]) for row in words]
    (folder / texts).write_text(json.dumps(lines), encoding="utf-8")
    table = np.zeros((len(words), DIMENSION), dtype=np.float32)
    for at in range(words.shape[1]):
        table += projection[words[:, at]]
    np.save(folder / vectors, table / np.linalg.norm(table, axis=1, keepdims=True))


def _names(rng: np.random.Generator) -> list[str]:
    """Words that can be said, each once."""
    made: dict[str, None] = {}
    while len(made) < WORDS:
        made["".join(rng.choice(SYLLABLES, rng.integers(2, 5)))] = None
    return list(made)
