"""`temper eval`: a suite as its first word, and the commands beside it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from app.cli.eval.run import check_judged, how_sure, interval_words
from app.cli.main import cli
from engine.evals.stats import exact_interval
from store import runs
from store.errors import MissingError, TemperError, UsageError
from store.records.evals import CaseResult, CheckResult, VariantScore
from store.records.runs import RunSpec
from store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "temper.toml").write_text("")
    (tmp_path / "f.csv").write_text("question,expected\nWhere?,Here it is.\nHow?,Like this.\n")
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path)


def temper(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["eval", *arguments])


def test_the_first_word_is_a_suite_where_it_is_no_command(workspace: Workspace) -> None:
    for arguments in (["intents"], ["intents", "--variant", "base"], ["--variant", "base", "intents"]):
        error = temper(*arguments).exception
        assert isinstance(error, MissingError)
        assert error.title == "No such suite"


def test_help_lists_the_commands() -> None:
    text = temper("--help").output

    assert all(name in text for name in ("new", "add", "import", "export", "rescore"))


def test_a_suite_is_made_from_failures(workspace: Workspace) -> None:
    made = json.loads(temper("new", "fails", "--from", "f.csv", "--json").stdout)

    assert (made["cases"], made["checks"]) == (2, ["similarity"])
    assert (workspace.root / made["path"]).is_file()
    assert isinstance(temper("new", "fails", "--from", "f.csv").exception, UsageError)
    wrong = temper("new", "more", "--from", "f.csv", "--map", "inptu=question").exception
    assert isinstance(wrong, UsageError)


def test_the_command_that_is_told_can_be_pasted(workspace: Workspace) -> None:
    assert "temper eval 'evals/my fails.yaml'" in temper("new", "my fails", "--from", "f.csv").stderr


def test_a_suite_of_another_tool_is_taken_over(workspace: Workspace) -> None:
    (workspace.root / "sums.jsonl").write_text('{"input": "2+2?", "ideal": "4"}\n')

    taken = json.loads(temper("import", "sums.jsonl", "--json").stdout)

    assert (taken["suite"], taken["cases"], taken["form"]) == ("sums", 1, "OpenAI Evals")


def test_results_are_handed_over(workspace: Workspace) -> None:
    folder = runs.create(workspace.paths.runs, RunSpec("evaluate-1", "evaluate", "", "", {"suite": "s"}))
    result = CaseResult("s", "v", "c", "?", "a", True, 1.0, [CheckResult("exact", True, 1.0)])
    folder.results.write_bytes(msgspec.json.encode(result) + b"\n")

    for form, name in (("junit", "xml"), ("csv", "csv"), ("parquet", "parquet"), ("html", "html")):
        done = json.loads(temper("export", "--to", form, "--json").stdout)
        assert done == {"run_id": "evaluate-1", "path": f"evaluate-1.{name}", "results": 1}
        assert (workspace.root / done["path"]).stat().st_size > 100
    for place in ("runs", "f.csv/report.html"):
        (workspace.root / "runs").mkdir(exist_ok=True)
        error = temper("export", "--to", "html", "--out", place).exception
        assert isinstance(error, TemperError)
        assert error.title == "A file could not be written"


def test_what_is_not_taken_over_is_told_per_case_and_stands_in_the_file(workspace: Workspace) -> None:
    test = (
        '{"vars": {"q": "a"}, "assert": [{"type": "equals", "value": "b"}, {"type": "ruby", "value": "x"}]}'
    )
    (workspace.root / "t.jsonl").write_text(f"{test}\n{test}\n")

    taken = json.loads(temper("import", "t.jsonl", "--json").stdout)

    [left] = taken["left"]
    assert (left["what"].startswith("the assertion `ruby` is code"), left["cases"]) == (
        True,
        ["test-1", "test-2"],
    )
    assert "(2 cases: test-1, test-2)" in (workspace.root / taken["path"]).read_text()
    assert taken["problems"] == []


def test_what_stands_between_a_taken_suite_and_its_first_run_is_told(workspace: Workspace) -> None:
    (workspace.root / "j.jsonl").write_text('{"input": "a", "criteria": "is it short?"}\n')

    done = temper("import", "j.jsonl")

    assert done.exit_code == 0
    assert "Still to be settled: j.yaml:" in done.stderr
    assert "nobody judges" in done.stderr


def test_a_file_is_not_written_over_by_what_is_taken_from_it(workspace: Workspace) -> None:
    source = workspace.root / "evals" / "p.yaml"
    source.parent.mkdir(exist_ok=True)
    source.write_text("tests: [{vars: {q: a}, assert: [{type: equals, value: b}]}]\n")

    error = temper("import", "evals/p.yaml", "--force").exception

    assert isinstance(error, UsageError)
    assert error.title == "The file would be written over"
    assert source.read_text().startswith("tests:")


def test_a_table_in_another_encoding_and_without_a_header_is_read_as_it_is_told(workspace: Workspace) -> None:
    (workspace.root / "n.csv").write_bytes("Wo?,\u00dcber der Br\u00fccke.\n".encode("cp1252"))

    done = temper(
        "new", "n", "--from", "n.csv", "--encoding", "cp1252", "--no-header", "--map", "input=1",
        "--map", "expected=2",
    )  # fmt: skip

    assert done.exit_code == 0
    assert "\u00dcber der Br\u00fccke." in (workspace.root / "evals" / "n.yaml").read_text()


def test_a_variant_whose_documents_were_never_read_in_is_refused_before_the_run(workspace: Workspace) -> None:
    workspace.paths.settings.write_text(
        '[models.tiny]\npath = "builtin:tiny"\n[knowledge.docs]\nsources = ["docs"]\n'
        '[variants.helper]\nmodel = "tiny"\nknowledge = "docs"\n'
    )
    assert temper("new", "fails", "--from", "f.csv").exit_code == 0

    error = temper("fails", "--variant", "helper").exception

    assert isinstance(error, MissingError)
    assert "never built" in error.title
    assert not list(workspace.paths.runs.glob("*"))


def test_rows_that_name_no_scorer_get_the_check_that_is_asked_for(workspace: Workspace) -> None:
    (workspace.root / "r.jsonl").write_text('{"input": "a", "ideal": "b"}\n{"input": "c"}\n')

    taken = json.loads(temper("import", "r.jsonl", "--check", "similarity", "--json").stdout)

    assert (taken["cases"], taken["checks"]) == (1, ["similarity"])
    wrong = temper("import", "r.jsonl", "--check", "simlarity").exception
    assert isinstance(wrong, UsageError)
    assert "did you mean 'similarity'?" in wrong.happened


def test_none_and_all_right_are_shown_with_the_interval_that_so_few_cases_leave() -> None:
    assert interval_words(exact_interval(0, 82)) == "0-4%"
    assert interval_words(exact_interval(10, 10)) == "72-100%"
    assert interval_words(None) == "-"
    score = VariantScore("v", 10, 1.0, 0.0, {"exact": 1.0}, checks_ci95={"exact": exact_interval(10, 10)})
    assert how_sure(score, "exact") == "100.0% ±0.0% 72-100%"


def test_a_variant_of_which_nothing_could_be_judged_is_a_failure_and_no_score() -> None:
    judged, unjudged = (
        VariantScore("base", 2, 0.0, 0.0, errors=1),
        VariantScore("tuned", 0, 0.0, 0.0, errors=3),
    )

    check_judged("evaluate-1", [judged])
    with pytest.raises(TemperError, match="tuned: every case") as raised:
        check_judged("evaluate-1", [judged, unjudged])
    assert "temper eval rescore evaluate-1" in raised.value.remedy


def test_a_suite_of_a_dataset_that_nobody_knows_is_not_started(workspace: Workspace) -> None:
    (workspace.root / "evals").mkdir()
    (workspace.root / "evals" / "rows.yaml").write_text(
        "name: rows\ncases: {dataset: gone/heldout}\nchecks: [{kind: exact}]\n"
    )

    error = temper("rows").exception

    assert isinstance(error, UsageError)
    assert error.title == "No dataset is called 'gone'"
    assert not workspace.paths.runs.exists()
