"""`temper data import`: what the options mean, what the help names, what temper.toml remembers."""

from __future__ import annotations

import json

from app.cli.data.import_ import SHAPES as SHAPES_IN_HELP
from engine.data.ensure import options_of
from engine.data.mapping import PARTS
from engine.data.shapes import SHAPES
from store import datasets
from store.records.data import ImportOptions
from store.workspace import Workspace, open_workspace
from tests.app.cli.conftest import Temper

HELPDESK = "case,who,body\n1,Kim,I lost my card\n1,Ada,Block it in the app\n2,Kim,Thanks\n"


def test_the_help_names_every_shape_and_every_part_of_a_map(temper: Temper) -> None:
    shown = temper("data", "import", "--help").out
    assert all(name in SHAPES_IN_HELP for name in SHAPES)
    assert all(f"{part}=" in shown for part in PARTS)


def test_roles_and_a_map_make_conversations_of_a_helpdesk_export(
    temper: Temper, workspace: Workspace
) -> None:
    (workspace.root / "export.csv").write_text(HELPDESK, encoding="utf-8")
    roles = ["--role", "Kim=user", "--role", "Ada=assistant"]
    outcome = temper(
        "data",
        "import",
        "export.csv",
        "--as",
        "desk",
        "--map",
        "role=who",
        "--format",
        "csv",
        *roles,
        "--json",
    )
    report = json.loads(outcome.out)
    assert (report["shape"], report["rows_kept"], report["rows_in"]) == ("tickets", 1, 2)
    assert report["dropped"] == [{"line": 4, "reason": "ends with user: there is no answer to learn"}]
    (row,) = datasets.read_rows(workspace.paths, "desk")
    assert [turn.role for turn in row.messages] == ["user", "assistant"]


def test_temper_toml_remembers_all_options(temper: Temper, workspace: Workspace) -> None:
    (workspace.root / "export.csv").write_text(HELPDESK, encoding="utf-8")
    asked = ["--map", "role=who", "--role", "Kim=user", "--role", "Ada=assistant", "--format", "csv"]
    temper("data", "import", "export.csv", "--as", "desk", *asked, "--split-by", "random")
    settings = open_workspace(workspace.root).dataset("desk")
    assert settings is not None
    assert options_of(settings) == ImportOptions(
        map={"role": "who"}, roles={"Kim": "user", "Ada": "assistant"}, format="csv", split_by="random"
    )


def test_a_pair_that_is_none_says_what_one_looks_like(temper: Temper, workspace: Workspace) -> None:
    (workspace.root / "export.csv").write_text(HELPDESK, encoding="utf-8")
    for option, value in (("--role", "Kim"), ("--map", "role="), ("--role", "=user")):
        outcome = temper("data", "import", "export.csv", "--as", "desk", option, value)
        assert outcome.code == 2
        assert "needs NAME=VALUE" in outcome.err
    twice = temper("data", "import", "export.csv", "--as", "d", "--role", "Kim=user", "--role", "Kim=tool")
    assert "says two things of 'Kim'" in twice.err
