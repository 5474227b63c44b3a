"""Balance of classes and of ratings."""

from __future__ import annotations

import pytest

from engine.data.checks.balance import check
from tests.engine.data.checks.rows import basis, found, rows_of


def classes(**counts: int) -> list[tuple[str, str]]:
    return [(f"{name} {at}", name) for name, count in counts.items() for at in range(count)]


def test_classes_of_like_size_are_only_information_with_their_counts() -> None:
    finding = found(check, basis(classes(a=20, b=20), heldout=[0, 1, 20]))["imbalance"]
    assert (finding.severity, finding.figures["entropy"]) == ("info", 1.0)
    assert finding.figures["counts"] == [
        {"class": "a", "rows": 20, "train": 18, "heldout": 2},
        {"class": "b", "rows": 20, "train": 19, "heldout": 1},
    ]


def test_a_class_that_is_far_larger_or_hardly_there_is_worth_a_warning() -> None:
    finding = found(check, basis(classes(a=90, b=15, c=3)))["imbalance"]
    assert (finding.severity, finding.figures["few"], finding.figures["ratio"]) == ("warn", ["c"], 30.0)
    assert rows_of(finding) == ["r105", "r106", "r107"]


def test_a_class_that_only_stands_held_out_is_named() -> None:
    finding = found(check, basis(classes(a=20, b=20, c=10), heldout=range(40, 50)))["imbalance"]
    assert finding.figures["missing_in_train"] == ["c"]
    assert "1 held-out classes never stand in train" in finding.title


def test_free_text_has_no_balance() -> None:
    assert not found(check, basis([(f"q{at}", f"a{at}") for at in range(30)]))


@pytest.mark.parametrize(("good", "severity"), [(50, "info"), (95, "warn"), (3, "warn")])
def test_ratings_of_one_kind_only_are_worth_a_warning(good: int, severity: str) -> None:
    rows = [(f"q{at}", "a") for at in range(100)]
    given = basis(rows, kind="unpaired_preference", labels=[at < good for at in range(100)])
    finding = found(check, given)["imbalance"]
    assert (finding.severity, finding.figures["desirable"]) == (severity, good)
