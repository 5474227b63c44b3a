"""`temper data check`: the settings it finds by itself, what it prints, its exit codes."""

from __future__ import annotations

import json

import msgspec
import pytest

from store import check_reports, datasets, runs
from store.paths import WorkspacePaths
from store.records.findings import CheckReport
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.workers import run_here

REPORT = ["dataset", "version", "rows", "findings", "verdict", "skipped", "sha256", "report"]
FINDING = ["check", "severity", "count", "rows", "id", "title", "remedy", "detail"]
FINDING += ["groups", "notes", "figures"]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is done in this process: its detached worker has tests of its own."""
    monkeypatch.setattr("engine.jobs.launch.start", run_here)


def write_rows(workspace: Workspace, rows: list[dict[str, str]]) -> None:
    source = workspace.root / "data" / "support.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def newest(paths: WorkspacePaths) -> CheckReport:
    report = check_reports.latest(paths, "support", 1)
    assert report is not None
    return report


def test_json_is_the_stable_fields_and_the_report_is_stored(temper: Temper, workspace: Workspace) -> None:
    write_rows(
        workspace, [{"prompt": f"message {n}", "completion": "ring\a" if n else "x"} for n in range(3)]
    )
    ended = temper("data", "check", "support", "--no-embeddings", "--json")
    answer = ended.json()
    assert list(answer) == [
        "dataset",
        "version",
        "rows",
        "findings",
        "verdict",
        "skipped",
        "sha256",
        "report",
    ]
    assert (answer["dataset"], answer["version"], answer["rows"]) == ("support", 1, 3)
    control = next(finding for finding in answer["findings"] if finding["id"] == "encoding/control")
    assert list(control) == FINDING
    assert [row["line"] for row in control["rows"]] == [2, 3]
    stored = msgspec.json.decode((workspace.root / answer["report"]).read_bytes(), type=CheckReport)
    assert stored.sha256 == answer["sha256"]


def test_people_see_severity_count_remedy_and_rows_with_their_lines(
    temper: Temper, workspace: Workspace
) -> None:
    write_rows(workspace, [{"prompt": "hello \x1b[31m there", "completion": "ring\a"}])
    ended = temper("data", "check", "support", "--no-embeddings")
    assert ended.code == 0
    assert "warn        1" in ended.out
    assert "temper data fix support --drop encoding/control" in ended.out
    assert "line 1: " in ended.out
    assert "\x1b[31m there" not in ended.out
    assert "Did not run" in ended.out
    assert "support@1: warn" in ended.out


@pytest.mark.parametrize(
    ("rows", "arguments", "code"),
    [
        ([{"prompt": "hello", "completion": "ring\a"}], [], 0),
        ([{"prompt": "hello", "completion": "ring\a"}], ["--strict"], 5),
        ([{"prompt": "word " * 300, "completion": "a"}], ["--model", "tiny", "--max-length", "64"], 5),
    ],
)
def test_what_stops_training_is_exit_code_five_and_with_strict_a_warning_is_too(
    temper: Temper, workspace: Workspace, rows: list[dict[str, str]], arguments: list[str], code: int
) -> None:
    write_rows(workspace, rows)
    ended = temper("data", "check", "support", "--no-embeddings", *arguments)
    assert ended.code == code
    assert ("--accept no_trained_token" in ended.err) == ("--model" in arguments)


def test_the_default_variant_and_the_task_file_are_taken_where_they_are_there(
    temper: Temper, workspace: Workspace
) -> None:
    task = "## In\n- messages\n## Out\n- taxes\n"
    (workspace.root / "data" / "TASK.md").write_text(task, encoding="utf-8")
    temper("data", "check", "support", "--no-embeddings")
    settings = newest(workspace.paths).settings
    assert (settings.variant, settings.task) == ("base", task)


def test_a_recipe_says_how_rows_are_rendered_and_options_come_on_top(
    temper: Temper, workspace: Workspace
) -> None:
    temper("data", "check", "support", "--no-embeddings", "--recipe", "support", "--max-length", "99")
    settings = newest(workspace.paths).settings
    assert (settings.model, settings.max_length, settings.mask) == ("tiny", 99, "assistant")


def test_many_rows_are_compared_by_words_unless_asked_and_that_is_said(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.checks.asking.MOST_EMBEDDED", 3)
    monkeypatch.setattr("engine.data.checks.asking.embedder_path", lambda workspace, name: None)
    ended = temper("data", "check", "support")
    assert "--embeddings" in ended.err
    assert newest(workspace.paths).settings.embeddings is False


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["suport"], 2, "Did you mean 'support'?"),
        (["support@7"], 2, "no version 7"),
        (["support", "--model", "tinny"], 2, "Did you mean 'tiny'?"),
        (["support", "--variant", "tuned"], 2, "tuned"),
        (["support", "--recipe", "suport"], 3, "support.toml"),
        (["support", "--schema", "none.json"], 3, "none.json"),
        (["support", "--schema", "temper.toml"], 2, "JSON Schema"),
        (["support", "--task", "prompts/support.md"], 2, "## In"),
        (["support", "--mask", "none"], 2, "assistant, last, completion or whole"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    temper: Temper, workspace: Workspace, arguments: list[str], code: int, said: str
) -> None:
    temper("data", "import", "data/support.jsonl", "--as", "support")
    ended = temper("data", "check", *arguments)
    assert (ended.code, said in ended.err) == (code, True)
    assert runs.list_folders(workspace.paths.runs) == []


def test_whom_to_ask_must_be_known_where_no_recipe_says_it(temper: Temper, workspace: Workspace) -> None:
    (workspace.root / "recipes" / "support.toml").unlink()
    ended = temper("data", "check", "support", "--known")
    assert (ended.code, "--model" in ended.err) == (2, True)
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_language_that_does_not_exist_is_refused(temper: Temper, workspace: Workspace) -> None:
    ended = temper("data", "check", "support", "--no-embeddings", "--language", "xx")
    assert ended.code == 2
    assert "two-letter code" in ended.err


def test_without_watching_only_the_run_is_named(temper: Temper, workspace: Workspace) -> None:
    started = temper("data", "check", "support", "--no-embeddings", "--no-watch", "--json")
    assert list(started.json()) == ["run_id"]
    assert datasets.versions(workspace.paths, "support") == [1]


def test_the_one_recipe_that_trains_on_the_dataset_says_how_its_rows_are_seen(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper("data", "check", "support", "--no-embeddings")
    settings = newest(workspace.paths).settings
    assert "recipes/support.toml" in ended.err
    assert (settings.model, settings.max_length) == ("tiny", 128)


def test_of_two_recipes_neither_is_taken_unasked(temper: Temper, workspace: Workspace) -> None:
    recipes = workspace.root / "recipes"
    (recipes / "other.toml").write_text((recipes / "support.toml").read_text(), encoding="utf-8")
    temper("data", "check", "support", "--no-embeddings")
    assert newest(workspace.paths).settings.model == ""
