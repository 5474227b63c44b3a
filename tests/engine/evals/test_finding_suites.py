"""Which file a suite's name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.forgetting import PACK
from engine.evals.suite import find_suite, load_suite, named
from store.errors import ExitCode, MissingError
from tests.engine.evals.test_suite import GOOD, write


def test_a_suite_is_found_by_name_by_file_and_by_path(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    here = tmp_path / "elsewhere"
    here.mkdir()

    for reference in ("mine", "evals/mine.yaml", str(path), "../evals/mine.yaml"):
        assert find_suite(tmp_path, reference, here) == path.resolve()


def test_a_file_where_the_user_stands_goes_before_one_of_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    here = tmp_path / "elsewhere"
    near = write(tmp_path, GOOD, "../elsewhere.yaml").rename(tmp_path / "near.yaml")
    (here / "evals").mkdir(parents=True)
    near = near.rename(here / "evals" / "mine.yaml")

    assert find_suite(tmp_path, "evals/mine.yaml", here) == near.resolve()


def test_an_unknown_suite_is_answered_with_those_there_are_and_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "intents.yaml")
    write(tmp_path, GOOD, "tone.yml")

    with pytest.raises(MissingError, match="No such suite") as caught:
        find_suite(tmp_path, "intent")

    assert caught.value.exit_code == ExitCode.MISSING
    assert "evals/ holds intents.yaml, tone.yml. Did you mean evals/intents.yaml?" in caught.value.happened


def test_without_any_suite_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="evals/ holds none"):
        find_suite(tmp_path, "mine")


def test_a_link_to_nothing_is_said_to_be_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "evals" / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")

    with pytest.raises(MissingError, match="is a link to nothing"):
        find_suite(tmp_path, "gone")


def test_a_linked_suite_finds_its_files_where_it_really_lies(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "../shared.yaml")
    (tmp_path / "intent.json").write_text('{"type": "string"}')
    (tmp_path / "evals" / "mine.yaml").symlink_to(tmp_path / "shared.yaml")

    assert load_suite(find_suite(tmp_path, "mine"), tmp_path).suite.name == "intents"


def test_the_pack_that_ships_is_found_by_its_name_unless_the_workspace_has_one_called_so(
    tmp_path: Path,
) -> None:
    assert find_suite(tmp_path, "forgetting") == PACK
    assert named(tmp_path, PACK) == "forgetting"
    assert load_suite(find_suite(tmp_path, "forgetting"), tmp_path).suite.name == "forgetting"

    own = write(tmp_path, GOOD, "forgetting.yaml")

    assert find_suite(tmp_path, "forgetting") == own
    assert named(tmp_path, own) == "evals/forgetting.yaml"
