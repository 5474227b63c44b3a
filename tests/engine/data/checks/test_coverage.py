"""Coverage: thin kinds of input, and held-out kinds that train lacks."""

from __future__ import annotations

import pytest

from engine.data.checks.contract import Basis, CannotRun
from engine.data.checks.coverage import check
from tests.engine.data.checks.rows import basis, by_topic, found, rows_of


def topics(**counts: int) -> list[tuple[str, str]]:
    return [(f"{name} {name}word number{at}", "a") for name, count in counts.items() for at in range(count)]


def given(heldout: range) -> Basis:
    return basis(topics(alpha=60, beta=60, gamma=3, delta=8), heldout=heldout, embed=by_topic)


def test_a_kind_of_input_with_few_rows_is_named_by_its_words() -> None:
    finding = found(check, given(range(0)))["coverage"]
    assert rows_of(finding) == ["r120", "r121", "r122"]
    assert "gammaword" in finding.groups[0].note


def test_a_held_out_kind_that_train_lacks_is_worth_a_warning() -> None:
    finding = found(check, given(range(123, 131)))["coverage/unseen"]
    assert (finding.severity, len(rows_of(finding))) == ("warn", 8)


def test_figures_hold_every_cluster_for_a_chart() -> None:
    finding = found(check, given(range(0)))["coverage"]
    assert sum(cluster["train"] for cluster in finding.figures["clusters"]) == 131


def test_the_same_seed_gives_the_same_finding() -> None:
    assert found(check, given(range(0))) == found(check, given(range(0)))


def test_without_an_embedder_it_cannot_run() -> None:
    with pytest.raises(CannotRun, match="embedder"):
        list(check(basis(topics(alpha=30))))
