"""Opening a workspace, variants that inherit, and writing settings without harming the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import atomic
from store.errors import MissingError, TemperError, UsageError
from store.workspace import Workspace, open_workspace

SETTINGS = """\
# Models of this workspace.
[models.tiny]
path = "builtin:tiny"  # came with Temper

# What is asked when nothing is said.
[variants.base]
model = "tiny"  # the smallest
prompt = "p.md"
top_k = 3

[variants.tuned]
inherits = "base"
adapter = "last"

[variants.cold]
inherits = "tuned"
prompt = "cold.md"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "temper.toml").write_text(SETTINGS)
    return Workspace(tmp_path)


def text(workspace: Workspace) -> str:
    return workspace.paths.settings.read_text()


def test_a_workspace_opens_from_a_folder_inside_it(workspace: Workspace) -> None:
    inside = workspace.root / "evals"
    inside.mkdir()
    opened = open_workspace(inside)
    assert opened.root == workspace.root
    assert opened.name == workspace.root.name


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="not a workspace") as refused:
        open_workspace(tmp_path)
    assert "temper init" in refused.value.remedy


def test_paths_of_the_settings_start_at_the_workspace(workspace: Workspace) -> None:
    assert workspace.path("data/a.csv") == workspace.root / "data" / "a.csv"
    assert workspace.path("/elsewhere") == Path("/elsewhere")


def test_a_variant_has_what_its_ancestors_say_and_it_does_not(workspace: Workspace) -> None:
    cold = workspace.variant("cold")
    assert (cold.model, cold.adapter, cold.prompt, cold.top_k) == ("tiny", "last", "cold.md", 3)
    assert cold.inherits is None


def test_variants_that_inherit_in_a_circle_are_refused_with_the_circle(workspace: Workspace) -> None:
    workspace.amend("variants", "base", {"inherits": "cold"})
    with pytest.raises(UsageError, match="cold -> tuned -> base -> cold"):
        workspace.variant("cold")


def test_an_ancestor_that_is_not_there_is_named(workspace: Workspace) -> None:
    workspace.amend("variants", "orphan", {"inherits": "bse"})
    with pytest.raises(UsageError, match="'bse'") as refused:
        workspace.variant("orphan")
    assert "Did you mean 'base'?" in refused.value.happened


def test_a_name_nobody_knows_comes_with_those_there_are(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="tiny") as refused:
        workspace.model("huge")
    assert "temper models add" in refused.value.remedy


def test_a_new_table_leaves_the_rest_of_the_file_as_it_was(workspace: Workspace) -> None:
    workspace.amend("variants", "new", {"model": "tiny", "adapter": "last"})
    assert text(workspace).startswith(SETTINGS)
    assert workspace.variant("new").adapter == "last"
    assert Workspace(workspace.root).variant("new").adapter == "last"


def test_a_changed_table_keeps_its_comments_and_loses_its_other_keys(workspace: Workspace) -> None:
    workspace.amend("variants", "base", {"model": "tiny", "prompt": "q.md"})
    assert text(workspace) == SETTINGS.replace('"p.md"', '"q.md"').replace("top_k = 3\n", "")


def test_keys_of_a_plain_table_are_added_to_those_there_are(workspace: Workspace) -> None:
    workspace.amend("defaults", "", {"variant": "base"})
    workspace.amend("defaults", "", {"knowledge": "docs"})
    defaults = Workspace(workspace.root).config.defaults
    assert (defaults.variant, defaults.knowledge) == ("base", "docs")
    assert "# came with Temper" in text(workspace)


def test_a_change_that_would_not_be_valid_writes_nothing(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match=r"variants\.new\.modl: unknown key; did you mean 'model'"):
        workspace.amend("variants", "new", {"modl": "tiny"})
    assert text(workspace) == SETTINGS
    assert "new" not in workspace.config.variants


def test_a_change_that_cannot_be_written_is_not_believed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise TemperError("The disk is full", "No room.", "Make some.")

    monkeypatch.setattr(atomic, "write_text", full)
    with pytest.raises(TemperError, match="full"):
        workspace.amend("variants", "new", {"model": "tiny"})
    assert "new" not in workspace.config.variants


def test_a_file_that_was_broken_meanwhile_is_left_alone(workspace: Workspace) -> None:
    workspace.paths.settings.write_text("[models\n")
    with pytest.raises(UsageError, match="not TOML"):
        workspace.amend("models", "new", {"path": "x"})
    assert text(workspace) == "[models\n"
