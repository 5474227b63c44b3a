"""What cosines can tell and what they cannot, with the embedder that ships, on pairs written for that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.evals.checks import Bench
from engine.inference.embedder import Embedder
from store.paths import default_embedder
from tests.engine.evals.checks.stage import judged

PAIRS = [
    json.loads(line)
    for line in Path(__file__).with_name("meanings.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    embedder = Embedder(default_embedder())

    def embed(texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = embedder.embed(list(texts)).tolist()
        return vectors

    yield Bench(embed=embed)
    embedder.close()


def cosines(bench: Bench, pairs: Sequence[tuple[str, str]]) -> list[float]:
    return [judged("similarity", one, other, bench=bench).score for one, other in pairs]


def test_a_paraphrase_is_nearer_than_an_answer_to_something_else(bench: Bench) -> None:
    same = [(pair["one"], pair["other"]) for pair in PAIRS if pair["same"]]
    elsewhere = [(one, same[(at + 5) % len(same)][1]) for at, (one, _) in enumerate(same)]

    near, far = cosines(bench, same), cosines(bench, elsewhere)

    assert max(far) < 0.5 < min(near)


def test_the_contrary_in_like_words_is_as_near_as_a_paraphrase(bench: Bench) -> None:
    """A limit that the documentation names: where this fails one day, it may say better."""
    contrary = cosines(bench, [(pair["one"], pair["other"]) for pair in PAIRS if not pair["same"]])

    assert sum(cosine >= 0.8 for cosine in contrary) >= 4


def test_the_best_of_several_right_answers_counts_and_an_empty_answer_is_none(bench: Bench) -> None:
    assert judged("similarity", "a cat", "tax law", alternatives=["a cat"], bench=bench).score > 0.99
    assert judged("similarity", "  ", "a cat", bench=bench).detail == "an empty answer"


def test_without_an_embedder_the_check_cannot_judge() -> None:
    assert judged("similarity", "a", "a").error == "there is no embedder here"
