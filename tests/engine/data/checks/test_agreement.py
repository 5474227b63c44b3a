"""Kappas against worked examples."""

from __future__ import annotations

import pytest

from engine.data.checks.agreement import cohen_kappa, figures_of, fleiss_kappa


def test_cohen_kappa_of_a_table_of_two_by_two() -> None:
    # 50 items, 35 agreed upon; by chance (25 * 30 + 25 * 20) / 50^2 = 0.5 would be
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


def test_fleiss_kappa_of_the_table_in_the_paper() -> None:
    # Fleiss 1971 by way of its well-known example: 10 items, 14 raters, 5 classes, kappa 0.210
    table = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    items = [[str(name) for name, count in enumerate(row) for _ in range(count)] for row in table]
    assert fleiss_kappa(items) == pytest.approx(0.210, abs=5e-4)


def test_where_chance_explains_all_there_is_no_kappa() -> None:
    assert cohen_kappa([("a", "a")] * 5) is None
    assert fleiss_kappa([["a", "a"]] * 5) is None
    assert cohen_kappa([]) is None


def test_pairs_are_listed_with_those_that_disagree_most_first() -> None:
    ratings = [{"anna": "x", "ben": "x", "cid": "y"}, {"anna": "y", "ben": "y"}, {"anna": "x"}]
    figures = figures_of(ratings)
    assert figures["annotators"] == ["anna", "ben", "cid"]
    assert [(pair["a"], pair["b"], pair["disagree"]) for pair in figures["pairs"]] == [
        ("anna", "cid", 1),
        ("ben", "cid", 1),
        ("anna", "ben", 0),
    ]
