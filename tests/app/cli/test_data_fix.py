"""`temper data fix`: what it prints, and that the bare name means the new version afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from store import datasets
from store.workspace import Workspace
from tests.app.cli.stage import Outcome

Temper = Callable[..., Outcome]


@pytest.fixture
def imported(workspace: Workspace, temper: Temper) -> Workspace:
    rows = [
        {"prompt": "Write to bob@corp.com", "completion": "I wrote to bob@corp.com."},
        {"prompt": "Call me", "completion": "I called."},
    ]
    (workspace.root / "data" / "mail.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert temper("data", "import", "data/mail.jsonl", "--as", "mail").code == 0
    return workspace


def test_it_says_what_was_done_and_which_version_that_made(imported: Workspace, temper: Temper) -> None:
    done = temper("data", "fix", "mail", "--mask", "pii")
    assert done.code == 0
    assert "mask pii" in done.out
    assert "mail@2: 2 rows" in done.out
    assert "mail alone now means mail@2" in done.err


def test_json_has_the_lineage(imported: Workspace, temper: Temper) -> None:
    done = temper("data", "fix", "mail", "--mask", "pii,secrets", "--json").json()
    assert (done["dataset"], done["version"], done["parent"], done["new"]) == ("mail", 2, "mail@1", True)
    assert done["edits"] == [{"operation": "mask pii,secrets", "rows": 1, "detail": "1 values"}]


def test_the_bare_name_means_the_new_version(imported: Workspace, temper: Temper) -> None:
    temper("data", "fix", "mail", "--mask", "pii")
    assert "<EMAIL_1>" in temper("data", "preview", "mail", "-n", "2").out
    assert "bob@corp.com" in temper("data", "preview", "mail@1", "-n", "2").out


def test_a_dry_run_makes_nothing(imported: Workspace, temper: Temper) -> None:
    done = temper("data", "fix", "mail", "--mask", "pii", "--dry-run")
    assert "Nothing was made" in done.out
    assert datasets.versions(imported.paths, "mail") == [1]


def test_without_an_operation_it_says_which_there_are(imported: Workspace, temper: Temper) -> None:
    done = temper("data", "fix", "mail")
    assert done.code == 2
    assert "--drop-duplicates" in done.err


def test_rows_are_named_with_commas(imported: Workspace, temper: Temper) -> None:
    rows = [row.row for row in datasets.read_rows(imported.paths, "mail/all")]
    done = temper("data", "fix", "mail", "--drop-rows", rows[0], "--json").json()
    assert done["rows_kept"] == 1
