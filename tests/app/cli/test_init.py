"""`temper init`: ready workspaces, nothing of the user's overwritten, half-made ones finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import workspaces
from engine.evals.suite import load_suite
from engine.training import preflight
from engine.training.recipe import load_recipe
from store.errors import ExitCode, UsageError
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.dying import die_at


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_workspace_is_named_after_its_folder_and_says_what_to_type(temper: Temper) -> None:
    ended = temper("init", "wallet", "--template", "support")
    assert ended.code == ExitCode.OK
    assert Path(ended.out.strip()) == Path.cwd() / "wallet"
    assert Workspace(Path("wallet")).name == "wallet"
    assert "cd wallet" in ended.err
    assert "temper train recipes/support.toml" in ended.err


def test_the_settings_keep_their_comments(temper: Temper) -> None:
    temper("init", "wallet", "--template", "support")
    template = (workspaces.TEMPLATES / "support" / "temper.toml").read_text(encoding="utf-8")
    written = Path("wallet/temper.toml").read_text(encoding="utf-8")
    assert written.count("#") == template.count("#") > 0


def test_the_recipe_of_a_fresh_workspace_can_run(temper: Temper) -> None:
    temper("init", "wallet", "--template", "support")
    workspace = Workspace(Path("wallet"))
    recipe = load_recipe(workspace.root / "recipes" / "support.toml")
    assert preflight.check(workspace, recipe).chat_template


@pytest.mark.parametrize("name", workspaces.templates())
def test_every_template_makes_a_workspace(name: str) -> None:
    assert workspaces.create(Path("made"), name).name == "made"


def test_the_answers_of_the_research_suite_stand_in_the_sources_that_it_names() -> None:
    made = workspaces.create(Path("made"), "research")
    cases = load_suite(made.root / "evals" / "research.yaml", made.root).suite.cases
    assert isinstance(cases, list)

    for case in cases:
        told = " ".join((made.root / "knowledge" / one).read_text("utf-8") for one in case.expected_sources)
        assert ("not-in-documents" in case.tags) == (not told), case.id
        words = " ".join(told.casefold().split())
        assert not told or str(case.expected).casefold() in words, case.id


def test_derived_files_and_adapters_are_ignored_by_git(temper: Temper) -> None:
    temper("init", "wallet")
    lines = Path("wallet/.gitignore").read_text(encoding="utf-8").splitlines()
    assert {".temper/", "adapters/"} <= set(lines)


def test_an_own_gitignore_keeps_its_lines(temper: Temper) -> None:
    Path(".gitignore").write_text("*.log\nadapters/", encoding="utf-8")
    assert temper("init").code == ExitCode.OK
    assert Path(".gitignore").read_text(encoding="utf-8") == "*.log\nadapters/\n.temper/\n"


def test_a_file_of_the_users_is_never_overwritten(temper: Temper) -> None:
    Path("data").mkdir()
    Path("data/support.jsonl").write_text("mine", encoding="utf-8")
    ended = temper("init", ".", "--template", "support")
    assert ended.code == ExitCode.USAGE
    assert "data/support.jsonl" in ended.err
    assert Path("data/support.jsonl").read_text(encoding="utf-8") == "mine"
    assert not Path("temper.toml").exists()


def test_a_workspace_is_not_made_twice(temper: Temper) -> None:
    temper("init", ".")
    ended = temper("init", ".")
    assert ended.code == ExitCode.USAGE
    assert "workspace already" in ended.err


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="suport") as refused:
        workspaces.create(Path("wallet"), "suport")
    assert "Did you mean 'support'?" in refused.value.happened


def test_a_folder_below_a_file_is_refused() -> None:
    Path("notes").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="no folder"):
        workspaces.create(Path("notes"), "blank")


def test_a_workspace_killed_half_made_is_none_and_the_same_command_finishes_it(temper: Temper) -> None:
    code = (
        "from pathlib import Path\nfrom engine import workspaces\n"
        "workspaces.create(Path('wallet'), 'support')\n"
    )
    die_at("store.atomic.write_bytes", code, call=6)
    assert Path("wallet/.gitignore").is_file()
    assert not Path("wallet/temper.toml").exists()
    assert temper("init", "wallet", "--template", "support").code == ExitCode.OK
    assert Workspace(Path("wallet")).dataset("support") is not None
