"""What is to be compared, as it is typed."""

from __future__ import annotations

import pytest

from engine.retrieval.checking.axes import combinations, is_built, name_of, settings_with, weights_of
from store.errors import UsageError
from store.records.workspace import Knowledge


def test_several_axes_give_every_combination() -> None:
    found = combinations(["chunker=recursive, structure", "diversity=0,0.5"])
    assert [name_of(choice) for choice in found] == [
        "chunker=recursive diversity=0",
        "chunker=recursive diversity=0.5",
        "chunker=structure diversity=0",
        "chunker=structure diversity=0.5",
    ]
    assert combinations([]) == []


def test_a_choice_changes_only_what_it_names() -> None:
    base = Knowledge(["knowledge"], chunk_tokens=90)
    changed = settings_with(base, {"chunker": "recursive", "parents": "true"})
    assert (changed.chunker, changed.chunk_tokens, changed.search.parents) == ("recursive", 90, True)
    assert (base.chunker, base.search.parents) == ("structure", False)


def test_only_what_changes_passages_or_vectors_is_built() -> None:
    assert is_built({"chunk_tokens": "50"})
    assert not is_built({"diversity": "0.5", "weights": "1:1:1:1"})
    assert weights_of({"weights": "1:0.5"}) == [1.0, 0.5]
    assert weights_of({}) is None


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["chunker"], "names no value"),
        (["chunker=,"], "names no value"),
        (["chunkers=a"], "Did you mean chunker?"),
        (["k=1", "k=2"], "no setting"),
        (["diversity=0", "diversity=1"], "named twice"),
        (["chunk_tokens=" + ",".join(map(str, range(20, 60)))], "40 arms"),
    ],
)
def test_what_cannot_be_compared_is_refused(typed: list[str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        combinations(typed)
    assert told in refused.value.happened


@pytest.mark.parametrize(
    "choice", [{"chunker": "magic"}, {"chunk_tokens": "2"}, {"diversity": "3"}, {"query": "hyde"}]
)
def test_values_that_temper_toml_would_not_take_are_refused(choice: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        settings_with(Knowledge(["knowledge"]), choice)


def test_weights_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        weights_of({"weights": "1:x"})
