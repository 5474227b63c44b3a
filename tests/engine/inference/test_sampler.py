"""The next token: penalties and bias by their formulas, draws by the seed and within their limits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.inference.sampler import Sampler, log_softmax, token_score
from store.records.workspace import Sampling


def row(*scores: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(scores, dtype=np.float32)


def drawn(sampling: dict[str, float], scores: list[float], count: int = 400) -> Counter[int]:
    """How often each token is drawn, over as many seeds."""
    found: Counter[int] = Counter()
    for seed in range(count):
        sampler = Sampler(Sampling(temperature=1.0, seed=seed, **sampling))  # type: ignore[arg-type]  # drawn
        found[sampler.pick(row(*scores))] += 1
        sampler.close()
    return found


def test_greedy_is_the_first_of_the_highest() -> None:
    assert Sampler(Sampling()).pick(row(0.1, 2.0, 2.0)) == 1


def test_a_repetition_penalty_divides_what_is_positive_and_multiplies_what_is_not() -> None:
    sampler = Sampler(Sampling(repetition_penalty=2.0), prompt=[0])
    sampler.accept(1)
    scores = row(3.0, -1.0, 1.0)
    sampler.prepare(scores)
    assert scores.tolist() == [1.5, -2.0, 1.0]


def test_frequency_and_presence_count_the_answer_and_not_the_prompt() -> None:
    sampler = Sampler(Sampling(frequency_penalty=0.5, presence_penalty=1.0), prompt=[2, 2])
    for token in (0, 0, 1):
        sampler.accept(token)
    scores = row(5.0, 5.0, 5.0)
    sampler.prepare(scores)
    assert scores.tolist() == [3.0, 3.5, 5.0]


def test_bias_is_added_to_scores() -> None:
    sampler = Sampler(Sampling(), bias={2: 4.0, 0: -1.0})
    scores = row(1.0, 2.0, 0.0)
    sampler.prepare(scores)
    assert scores.tolist() == [0.0, 2.0, 4.0]
    assert sampler.pick(scores) == 2


def test_draws_follow_the_probabilities() -> None:
    found = drawn({}, [float(np.log(0.5)), float(np.log(0.3)), float(np.log(0.2))], 2000)
    assert [found[token] / 2000 for token in range(3)] == pytest.approx([0.5, 0.3, 0.2], abs=0.05)


def test_answers_to_other_prompts_draw_other_numbers_by_one_seed() -> None:
    def picked(*prompt: int) -> int:
        sampler = Sampler(Sampling(temperature=1.0, seed=7), prompt)
        try:
            return sampler.pick(row(0.0, 0.0))
        finally:
            sampler.close()

    assert picked(1, 2) == picked(1, 2)
    assert sum(picked(1, at) for at in range(400)) / 400 == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("limit", "left"), [({"top_k": 2}, {0, 1}), ({"top_p": 0.5}, {0}), ({"min_p": 0.3}, {0, 1})]
)
def test_limits_leave_unlikely_tokens_out(limit: dict[str, float], left: set[int]) -> None:
    scores = [float(np.log(share)) for share in (0.6, 0.25, 0.1, 0.05)]
    assert set(drawn(limit, scores)) == left


def test_what_is_masked_is_never_drawn() -> None:
    assert set(drawn({}, [1.0, -float("inf"), 1.0])) == {0, 2}


def test_log_probabilities_sum_to_one_and_the_likeliest_come_first() -> None:
    scores = row(1.0, 3.0, 2.0, 1000.0)
    assert np.exp(log_softmax(scores)).sum() == pytest.approx(1)
    told = token_score(row(1.0, 3.0, 2.0), 0, 2)
    assert [token for token, _ in told.top] == [1, 2]
    assert told.logprob == pytest.approx(1 - np.log(np.exp([1, 3, 2]).sum()), abs=1e-6)
