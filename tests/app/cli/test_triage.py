"""`temper triage`: the list, decisions that stay, and what is refused."""

from __future__ import annotations

import pytest

from store import labels
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.test_compare import A, B, lay_eval


def test_failures_are_listed_with_category_action_and_the_rule(workspace: Workspace, temper: Temper) -> None:
    lay_eval(workspace, A, "+--")

    shown = temper("triage")

    assert shown.code == 0
    assert "behaviour ?" in shown.out
    assert "temper data import data/support.jsonl --as support" in shown.out
    assert "Not yet a case for training" in shown.err


def test_a_decision_is_kept_and_holds_in_the_next_run(workspace: Workspace, temper: Temper) -> None:
    lay_eval(workspace, A, "+--")

    assert temper("triage", A, "--label", "1=retrieval", "--note", "old index").code == 0
    lay_eval(workspace, B, "+-+")
    (group,) = temper("triage", B, "--json").json()["groups"]

    assert {label.value for label in labels.read(workspace.paths, "category")} == {"retrieval"}
    assert (group["category"], group["decided"], group["note"]) == ("retrieval", True, "old index")
    assert [one["count"] for one in group["trend"]] == [2, 1]


def test_confirming_all_makes_it_a_case_for_training(workspace: Workspace, temper: Temper) -> None:
    lay_eval(workspace, A, "+--")

    found = temper("triage", "--confirm", "all", "--json").json()

    assert (found["ready"], found["behavioural"], found["named"]) == (True, 1.0, found["top"])


def test_a_file_of_complaints_is_triaged_too(workspace: Workspace, temper: Temper) -> None:
    (workspace.root / "complaints.csv").write_text(
        "question,complaint\nHow much?,The price is outdated\n", encoding="utf-8"
    )

    (group,) = temper("triage", "--csv", "complaints.csv", "--json").json()["groups"]

    assert (group["category"], group["command"]) == ("knowledge", "temper kb ingest --kb docs")


def test_a_wrong_word_decides_nothing(workspace: Workspace, temper: Temper) -> None:
    lay_eval(workspace, A, "+--")

    assert temper("triage", "--label", "1=tone", "--label", "1=nonsense").code == 2
    assert temper("triage", "--label", "99=tone").code == 2
    assert temper("triage", "--label", "1").code == 2
    assert temper("triage", "--walk").code == 2  # no terminal here
    assert labels.read(workspace.paths, "category") == []


def test_walking_takes_a_key_for_each_group_and_one_takes_a_decision_back(
    workspace: Workspace, temper: Temper, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_eval(workspace, A, "+--")
    (workspace.root / "c.csv").write_text("question,complaint\na,rude\nb,invented\n", encoding="utf-8")
    keys = iter("?tup\rq")  # one that means nothing; tone, undone, product; the guess of the other
    monkeypatch.setattr("click.getchar", lambda: next(keys))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    shown = temper("triage", "--csv", "c.csv", "--walk", "--json").json()["groups"]

    assert [(one["category"], one["decided"]) for one in shown] == [
        ("product", True),
        (shown[1]["guess"]["category"], True),
    ]
    made = [one.value for one in labels.read(workspace.paths, "category")]
    assert made == ["tone", "", "product", shown[1]["category"]]


def test_without_a_run_it_says_how_to_get_one(workspace: Workspace, temper: Temper) -> None:
    shown = temper("triage")

    assert shown.code == 3
    assert "temper eval SUITE" in shown.err


def test_a_run_in_which_nothing_failed_has_nothing_to_name(workspace: Workspace, temper: Temper) -> None:
    lay_eval(workspace, A, "+++")

    assert "Nothing failed" in temper("triage").out
