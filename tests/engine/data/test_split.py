"""Held-out rows: exact shares, seeded, stratified, whole groups and clusters, the newest, no leaks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.split import Choice, SplitKeys, choose_heldout
from store import example_table
from store.errors import UsageError
from store.records.data import Example, ImportOptions, Message, SplitBy

pairs_strategy = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), min_size=2, max_size=120)


def row(asked: str, answered: str, at: int = 0, **metadata: str) -> Example:
    turns = [Message("user", asked), Message("assistant", answered)]
    return Example(f"{asked}|{answered}|{at}", at + 1, turns, metadata=metadata)


def keys_of(examples: list[Example], by: SplitBy = "") -> SplitKeys:
    keys = SplitKeys(by)
    for example in examples:
        keys.add(example)
    return keys


def distinct(rows: int, classes: int) -> list[Example]:
    return [row(f"q{index}", f"a{index % classes}") for index in range(rows)]


def split(
    examples: list[Example], share: float, seed: int = 0, by: SplitBy = "", path: Path | None = None
) -> Choice:
    options = ImportOptions(heldout=share, seed=seed, split_by=by)
    return choose_heldout(keys_of(examples, by), options, path)


def asked(example: Example) -> str:
    return example.messages[0].content


def test_the_share_is_exact_in_total_and_per_answer() -> None:
    rows = distinct(1000, 7)
    chosen = split(rows, 0.1)
    assert (len(chosen.heldout), chosen.stratified) == (100, True)
    counts = Counter(rows[index].messages[1].content for index in chosen.heldout)
    assert set(counts.values()) <= {14, 15}


def test_the_seed_decides_and_nothing_else() -> None:
    rows = distinct(200, 4)
    first, again, other = (split(rows, 0.2, seed).heldout for seed in (1, 1, 2))
    assert (first == again, first == other) == (True, False)


@pytest.mark.parametrize("by", ["random", "stratified", "group", "time"])
def test_the_order_of_the_file_does_not_matter(by: SplitBy) -> None:
    rows = [row(f"q{at}", f"a{at % 4}", group=f"g{at % 50}", time=str(at % 30)) for at in range(200)]
    forward = {asked(rows[index]) for index in split(rows, 0.2, by=by).heldout}
    backward = rows[::-1]
    assert {asked(backward[index]) for index in split(backward, 0.2, by=by).heldout} == forward


@given(
    pairs=pairs_strategy, share=st.floats(0.01, 0.99), by=st.sampled_from(["random", "stratified", "group"])
)
def test_a_question_never_stands_on_both_sides(
    pairs: list[tuple[int, int]], share: float, by: SplitBy
) -> None:
    rows = [row(f"q{question}", f"a{answer}", group=f"g{answer}{question % 7}") for question, answer in pairs]
    chosen = split(rows, share, by=by).heldout
    inside = {asked(rows[index]) for index in chosen}
    outside = {asked(example) for index, example in enumerate(rows) if index not in chosen}
    assert not inside & outside


@given(rows=st.integers(2, 300), classes=st.integers(1, 10), share=st.floats(0.001, 0.999))
def test_distinct_questions_give_exactly_the_rounded_share(rows: int, classes: int, share: float) -> None:
    chosen = split(distinct(rows, classes), share, by="stratified").heldout
    assert len(chosen) == min(max(round(share * rows), 1), rows - 1)


def test_a_share_of_zero_and_a_single_row_hold_nothing_out() -> None:
    assert split(distinct(10, 2), 0.0).heldout == set()
    assert split(distinct(1, 1), 0.5).heldout == set()


def test_free_text_answers_are_no_classes() -> None:
    assert not keys_of([row(f"q{at}", f"a{at}") for at in range(100)]).answers_repeat()
    assert keys_of(distinct(100, 20)).answers_repeat()


def test_a_group_never_straddles() -> None:
    rows = [row(f"q{at}", f"a{at}", group=f"customer {at % 40}") for at in range(400)]
    chosen = split(rows, 0.25, by="group").heldout
    inside = {rows[at].metadata["group"] for at in chosen}
    outside = {one.metadata["group"] for at, one in enumerate(rows) if at not in chosen}
    assert (len(chosen), inside & outside) == (100, set())


def test_rows_without_a_group_stand_alone_and_are_counted() -> None:
    rows = [row(f"q{at}", "a", group="g" if at < 5 else "") for at in range(20)]
    chosen = split(rows, 0.2, by="group")
    assert len(chosen.heldout) == 4
    assert chosen.notes == ["15 rows without a group stand alone"]


def test_a_group_too_large_for_the_share_stays_in_train_and_that_is_said() -> None:
    rows = [row(f"q{at}", "a", group="all") for at in range(20)]
    chosen = split(rows, 0.2, by="group")
    assert chosen.heldout == set()
    assert chosen.notes == ["0 rows are held out, not 4: others had to stay together"]


def test_groups_need_a_column() -> None:
    with pytest.raises(UsageError, match="No row has a group"):
        split(distinct(20, 2), 0.2, by="group")


def test_the_newest_rows_are_held_out() -> None:
    rows = [row(f"q{at}", "a", time=f"2026-01-{at:02d}") for at in range(1, 21)]
    chosen = split(rows, 0.2, by="time").heldout
    assert {rows[at].metadata["time"] for at in chosen} == {f"2026-01-{day}" for day in (17, 18, 19, 20)}


def test_times_are_compared_as_moments_not_as_text() -> None:
    rows = [row(f"q{at}", "a", time=time) for at, time in enumerate(["9/1/2026", "10/1/2026", "31/12/2025"])]
    assert split(rows, 0.34, by="time").heldout == {1}


def test_rows_whose_time_cannot_be_read_stay_in_train_and_are_counted() -> None:
    rows = [row(f"q{at}", "a", time=f"2026-01-{at:02d}") for at in range(1, 11)]
    rows += [row("soon", "a", time="next week"), row("never", "a")]
    chosen = split(rows, 0.25, by="time")
    assert chosen.heldout == {7, 8, 9}
    assert chosen.notes == ["2 rows without a time that can be read stay in train"]


def test_times_that_nobody_can_read_are_refused_with_an_example() -> None:
    with pytest.raises(UsageError, match="'soon'"):
        split([row(f"q{at}", "a", time="soon") for at in range(9)], 0.25, by="time")


def test_one_side_is_never_empty_when_all_rows_have_a_time() -> None:
    rows = [row("q", "a", time="2026-01-01"), row("r", "a", time="2026-01-02")]
    assert split(rows, 0.99, by="time").heldout == {1}


NAMES = (
    "card",
    "phone",
    "parcel",
    "invoice",
    "password",
    "refund",
    "account",
    "delivery",
    "address",
    "voucher",
)


def near_duplicates(rows: int) -> list[Example]:
    """Groups of three rows that are nearly the same."""
    made = []
    for at in range(rows):
        thing, other = NAMES[at % 10], NAMES[(at // 10 + at + 1) % 10]
        base = f"Could you tell me why the {thing} for my {other} number {at} has not come to our house yet"
        made += [row(text, thing, at) for text in (base, base + " please", base.replace("Could you", "Do"))]
    return made


def written(rows: list[Example], folder: Path) -> Path:
    path = folder / "rows.parquet"
    with example_table.Writer(path) as writer:
        for one in rows:
            writer.add(one)
    return path


def test_near_duplicates_never_straddle(tmp_path: Path) -> None:
    rows = near_duplicates(40)
    chosen = split(rows, 0.2, by="cluster", path=written(rows, tmp_path)).heldout
    sides = {at // 3: {other in chosen for other in range(at, at + 3)} for at in range(0, len(rows), 3)}
    assert len(chosen) == 24
    assert all(len(side) == 1 for side in sides.values())


def test_clusters_do_not_depend_on_the_order_of_the_file(tmp_path: Path) -> None:
    rows = near_duplicates(20)
    backward = rows[::-1]
    forward = {asked(rows[at]) for at in split(rows, 0.2, by="cluster", path=written(rows, tmp_path)).heldout}
    path = written(backward, tmp_path)
    assert {asked(backward[at]) for at in split(backward, 0.2, by="cluster", path=path).heldout} == forward
