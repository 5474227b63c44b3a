"""Adapters are found by run or by name, kept under one, and listed with their passports."""

from __future__ import annotations

import pytest

from engine.models.adapters import (
    PASSPORT,
    WEIGHTS,
    adapter_folder,
    find_adapter,
    keep,
    list_kept,
    read_passport,
    settled,
)
from store.errors import MissingError, UsageError
from store.workspace import Workspace
from tests.engine.models.conftest import lay_adapter, lay_run, passport


def test_an_adapter_is_found_by_run_id_prefix_and_last(workspace: Workspace) -> None:
    older = adapter_folder(lay_run(workspace, "brave-fox").path)
    newer = adapter_folder(lay_run(workspace, "calm-owl").path)
    lay_run(workspace, "late-eval", "evaluate")

    assert find_adapter(workspace, "brave-fox") == older
    assert find_adapter(workspace, "cal") == newer
    assert find_adapter(workspace, "last") == newer


def test_a_kept_adapter_goes_before_a_run_of_that_name(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")
    kept = lay_adapter(workspace.paths.adapters / "brave-fox", "calm-owl")

    assert find_adapter(workspace, "brave-fox") == kept


def test_a_reference_is_settled_so_that_a_later_run_does_not_change_what_it_means(
    workspace: Workspace,
) -> None:
    lay_run(workspace, "brave-fox")
    lay_adapter(workspace.paths.adapters / "good", "calm-owl")
    assert settled(workspace, "last") == settled(workspace, "bra") == "brave-fox"
    assert (settled(workspace, "good"), settled(workspace, "")) == ("good", "")


def test_a_run_without_adapter_is_missing_one_and_says_how_it_stands(workspace: Workspace) -> None:
    run = lay_run(workspace, "brave-fox")
    (adapter_folder(run.path) / PASSPORT).unlink()

    with pytest.raises(MissingError, match="The run has no adapter") as caught:
        find_adapter(workspace, "last")

    assert caught.value.happened.startswith("brave-fox: died")


def test_a_run_of_another_kind_has_no_adapter(workspace: Workspace) -> None:
    lay_run(workspace, "late-eval", "evaluate")

    with pytest.raises(UsageError, match="No train run is called 'late-eval'"):
        find_adapter(workspace, "late-eval")


def test_a_kept_adapter_is_a_whole_copy(workspace: Workspace) -> None:
    folder = adapter_folder(lay_run(workspace, "brave-fox").path)

    target = keep(workspace, "last", "good")

    assert target == workspace.paths.adapters / "good"
    for name in (PASSPORT, WEIGHTS):
        assert (target / name).read_bytes() == (folder / name).read_bytes()


def test_without_a_name_the_run_gives_it(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")

    assert keep(workspace, "last", None).name == "brave-fox"


def test_a_taken_name_is_refused_and_what_stands_there_stays(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")
    lay_adapter(workspace.paths.adapters / "good", "calm-owl")

    with pytest.raises(UsageError, match="There is an adapter of that name"):
        keep(workspace, "last", "good")

    assert list_kept(workspace) == [("good", passport("calm-owl"))]


@pytest.mark.parametrize("name", ["last", "../out", "a/b", ".hidden", ""])
def test_a_name_that_is_a_path_or_another_word_is_refused(workspace: Workspace, name: str) -> None:
    lay_run(workspace, "brave-fox")

    with pytest.raises(UsageError):
        keep(workspace, "last", name)

    assert list_kept(workspace) == []


def test_kept_adapters_are_listed_by_name_without_half_copies(workspace: Workspace) -> None:
    assert list_kept(workspace) == []

    for name in ("zeta", "alpha", ".gamma.1234.tmp"):
        lay_adapter(workspace.paths.adapters / name, f"run-{name}")
    (workspace.paths.adapters / "notes").mkdir()

    assert list_kept(workspace) == [("alpha", passport("run-alpha")), ("zeta", passport("run-zeta"))]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"run_id": 1}'])
def test_a_damaged_passport_is_named(workspace: Workspace, content: str) -> None:
    folder = lay_adapter(workspace.paths.adapters / "good", "brave-fox")
    (folder / PASSPORT).write_text(content)

    with pytest.raises(UsageError, match=r"The adapter's passport is damaged: .*good/passport\.json"):
        read_passport(folder)
