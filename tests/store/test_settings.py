"""Settings files as typed structs, or as a list of all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import settings
from store.errors import MissingError, UsageError
from store.records.recipe import Recipe
from store.records.workspace import WorkspaceConfig


def problems(raw: dict[str, Any], kind: type[msgspec.Struct] = WorkspaceConfig) -> list[str]:
    with pytest.raises(UsageError) as refused:
        settings.build(raw, kind, "temper.toml")
    return refused.value.happened.splitlines()


def test_every_problem_is_listed_with_file_and_key() -> None:
    raw = {
        "models": {"tiny": {"pth": "x"}, "big": 3},
        "variants": {"a": {"top_k": 0, "sampling": {"temperature": -1}}},
        "gates": {"s": {"min_diff": "high"}},
        "nonsense": {},
    }
    keys = [line.split(": ")[1] for line in problems(raw)]
    assert sorted(keys) == [
        "gates.s.min_diff",
        "models.big",
        "models.tiny.pth",
        "nonsense",
        "variants.a.sampling.temperature",
        "variants.a.top_k",
    ]
    assert all(line.startswith("temper.toml: ") for line in problems(raw))


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    assert problems({"learning_rte": 1e-3}, Recipe) == [
        "temper.toml: learning_rte: unknown key; did you mean 'learning_rate'?"
    ]


def test_a_key_like_no_other_comes_with_all_there_are() -> None:
    assert "known here: workspace, models" in problems({"zzz": 1})[0]


def test_a_wrong_value_is_shown_with_what_was_expected() -> None:
    assert problems({"max_steps": "many"}, Recipe) == [
        "temper.toml: max_steps: Expected `int`, got `str`, got 'many'"
    ]


def test_what_is_left_out_has_its_default() -> None:
    recipe = settings.build({"base": "tiny", "lora": {"rank": 4}}, Recipe, "r.toml")
    assert (recipe.base, recipe.lora.rank, recipe.lora.alpha, recipe.max_steps) == ("tiny", 4, 32, 200)


values = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(-2, 2), st.text(max_size=3))


@given(
    st.dictionaries(st.sampled_from(["base", "max_steps", "learning_rate", "seed", "lora", "nope"]), values)
)
def test_a_file_without_problems_can_always_be_built(raw: dict[str, Any]) -> None:
    try:
        msgspec.convert(raw, Recipe)
        valid = True
    except msgspec.ValidationError:
        valid = False
    assert (settings.check(raw, Recipe) == []) == valid


def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "temper.toml"
    path.write_text("[models]\na = \n")
    with pytest.raises(UsageError, match="line 2") as refused:
        settings.read_toml(path)
    assert str(path) in refused.value.happened


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"nothing\.toml"):
        settings.read_toml(tmp_path / "nothing.toml")


def test_a_mark_at_the_beginning_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "temper.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert settings.read_toml(path) == {"a": 1}
