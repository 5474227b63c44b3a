"""`temper advise`: what is refused before anything starts, and how the advice is shown."""

from __future__ import annotations

import click
import msgspec
import pytest

from app.advice_words import cost_lines, money
from app.cli.advice_report import paragraph, show
from app.cli.advise import command_line, report
from engine.jobs.advise import AdviseParams
from engine.jobs.advising.ways import Wanted
from store.records.advice import Advice, CostSheet, Measured
from store.records.events import Finished
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.test_compare import SUITE
from tests.workers import lay_run

ADVICE = Advice(
    "retrieval",
    "knowledge",
    "Retrieve: retrieval gets 80% of 60 cases right.",
    ["These answers are facts that will change: retrieve them, do not train them."],
    [
        Measured("retrieval", 60, 0.8, (0.68, 0.88), 120.0, 300.0, "advise-1", cost=0.25),
        Measured("adapter", 60, 0.2, (0.1, 0.3), 100.0, 40.0, "advise-1", training_run="train-1"),
    ],
    ["more cases"],
    costs=CostSheet("EUR", local=0.25, hosted=2.0, training=1.0, break_even=571.4),
)


@pytest.fixture
def suite(workspace: Workspace) -> Workspace:
    (workspace.root / "evals").mkdir()
    (workspace.root / "evals" / "support.yaml").write_text(SUITE, encoding="utf-8")
    return workspace


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nosuch",), 3, "No such suite"),
        (("support", "--variant", "nosuch"), 2, "nosuch"),
        (("support", "--adapter", "nosuch"), 2, "nosuch"),
        (("support", "--prompt", "nosuch.md"), 3, "nosuch.md"),
        (("support", "--kb", "nosuch"), 2, "nosuch"),
        (("support", "--against", "nosuch"), 2, "nosuch"),
        (("support", "--rows", "nosuch"), 2, "nosuch"),
        (("support", "--probe"), 2, "nothing to train a probe on"),
    ],
)
def test_wrong_names_are_refused_before_anything_starts(
    suite: Workspace, temper: Temper, words: tuple[str, ...], code: int, says: str
) -> None:
    shown = temper("advise", *words)

    assert shown.code == code
    assert says in shown.err
    assert not suite.paths.runs.exists() or not list(suite.paths.runs.iterdir())


def test_the_verdict_comes_first_and_every_figure_names_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    show("advise-1", ADVICE)
    printed = capsys.readouterr()

    assert printed.out.startswith("Retrieve: retrieval gets 80%")
    assert "Bottleneck: knowledge. Verdict: retrieval." in printed.out
    assert "80.0%" in printed.out
    assert "facts that will change" in printed.out
    assert "training pays from 571 answers on" in printed.out
    assert "temper runs show advise-1" in printed.err
    assert "temper runs show train-1" in printed.err


def test_columns_that_say_nothing_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show("advise-1", ADVICE)
    with_money = capsys.readouterr().out
    bare = Measured("bare", 60, 0.8, (0.68, 0.88), 120.0, 300.0)
    show("advise-1", msgspec.structs.replace(ADVICE, ranking=[bare]))
    without = capsys.readouterr().out

    assert "per 1,000" in with_money
    assert "per 1,000" not in without
    assert "training" not in next(line for line in without.splitlines() if line.startswith("approach"))


@pytest.mark.parametrize("columns", [80, 120])
def test_every_line_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    line = Measured("few_shot", 1000, 1.0, (0.99, 1.0), 12_345.0, 2_345.0, "advise-1", upkeep="a file " * 30)
    line.cost, line.training_seconds, line.confidence = 0.000123, 36_000.0, "high"
    long = ["word " * 60]
    advice = msgspec.structs.replace(ADVICE, headline=long[0], ranking=[line], says=long, missing=long)

    show("advise-1", advice)

    printed = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, printed)) <= columns
    assert len(printed) > 12


def test_in_a_pipe_a_sentence_stays_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    paragraph("word " * 60, "  - ", "    ")

    assert capsys.readouterr().out.count("\n") == 1


def test_the_page_of_a_run_shows_its_advice(temper: Temper, workspace: Workspace) -> None:
    result = {"suite": "s", "advice": msgspec.to_builtins(ADVICE)}
    lay_run(workspace, "advise-1", [Finished(status="finished", result=result)], "advise")

    assert "Retrieve: retrieval gets 80% of 60 cases right." in temper("runs", "show", "advise-1").out


def test_a_run_can_be_called_again_as_it_was() -> None:
    wanted = Wanted("base", "a b.md", "rows", 2, "tuned", "docs", "big")

    assert command_line(AdviseParams("evals/s.yaml", Wanted())) == "temper advise evals/s.yaml"
    assert command_line(AdviseParams("evals/s.yaml", wanted, 9)) == (
        "temper advise evals/s.yaml --variant base --prompt 'a b.md' --rows rows --shots 2 --adapter tuned "
        "--kb docs --against big --limit 9"
    )


def test_json_has_the_promised_fields() -> None:
    told = report("advise-1", ADVICE)

    assert {"verdict", "binding", "ranking", "missing"} <= told.keys()
    assert {"approach", "score", "ci95", "latency_ms", "tokens", "cost"} <= told["ranking"][0].keys()


def test_the_sheet_says_where_its_watts_and_its_training_time_are_from() -> None:
    line = Measured("adapter", 60, 0.8, (0.7, 0.9), 100.0, 40.0, training_note="measured")
    costs = CostSheet("EUR", "adapter", "big", 300.0, "measured", local=0.1, hosted=2.0, training=0.5)
    told = " ".join(cost_lines(msgspec.structs.replace(ADVICE, ranking=[line], costs=costs)))

    assert "power: 300 W, as the GPU counted it" in told
    assert "training once: 0.50 EUR (measured)" in told
    assert "a thousand answers of big: 2.00 EUR" in told
    costs.watts_from = "prices"
    assert "as temper.toml says" in " ".join(cost_lines(msgspec.structs.replace(ADVICE, costs=costs)))


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1204.5, "1,204.50"), (0.5, "0.50"), (0.024, "0.024"), (9.3e-5, "0.000093"), (0, "0.00")],
)
def test_amounts_are_written_out(amount: float, text: str) -> None:
    assert money(amount) == text


def test_a_hosted_model_that_is_cheaper_is_said_to_be() -> None:
    costs = CostSheet("EUR", local=3.0, hosted=2.0, training=1.0)

    assert any("never pays" in line for line in cost_lines(msgspec.structs.replace(ADVICE, costs=costs)))
