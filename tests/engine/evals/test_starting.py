"""A suite to start with: which checks are chosen for which answers, and other wordings of questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.evals.cases import case_of
from engine.evals.starting.answers import kinds_of
from engine.evals.starting.assembling import Started, Wishes, assemble
from engine.evals.starting.making import make
from engine.evals.starting.shape import schema_of
from engine.evals.starting.trajectories import as_trajectory
from engine.evals.starting.wordings import paraphrased, wordings_of
from engine.evals.suite import load_suite
from engine.evals.suite.writing import write_suite
from store.errors import UsageError
from store.records.data import Example, Message, ToolCall
from store.records.evals import Case, CasesFrom
from store.workspace import Workspace


def cases(*answers: str | None) -> list[Case]:
    return [Case(f"c{n}", f"What is {n}?", answer) for n, answer in enumerate(answers)]


def started(*answers: str | None, **wishes: Any) -> Started:
    return assemble("mine", cases(*answers), CasesFrom("chats/heldout"), Wishes(**wishes))


def kinds(made: Started) -> list[str]:
    return [check.kind for check in made.suite.checks]


PROSE = ("Open the app and freeze the card.", "Write to us, and we call back.", "Within two days, mostly.")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        (["refund", "lost", "refund", "lost"], "label"),
        (['{"a": 1}', '{"a": 2}'], "json"),
        (['["a", "b"]', "[]", "{}"], "list"),
        (['{"name": "f", "arguments": {}}'], "tool_call"),
        (["3 + 4 = 7\n#### 7", "12"], "number"),
        (["3,5", "1.200,00", "12"], "decimal_comma"),
        (["A", "(C)", "B"], "choice"),
        (["Paris", "LX1001", "2026-01-31", "https://example.org/a"], "short"),
        (["red, light blue", "green; red", "- one\n- two"], "items"),
        (["SELECT a FROM t", "with x as (select 1) select * from x"], "query"),
        (["def f(x):\n    return x", "def g():\n    pass"], "text"),
        (PROSE, "text"),
        ([None], "unknown"),
    ],
)
def test_the_kind_of_answers_is_read_from_them(answers: list[str | None], kind: str) -> None:
    assert set(kinds_of(cases(*answers))) == {kind}


def test_checks_are_chosen_from_the_answers() -> None:
    assert kinds(started("refund", "lost", "refund", "lost")) == ["exact"]
    assert kinds(started('{"a": 1}', '{"a": 2}')) == ["json_schema", "json_fields"]
    assert kinds(started('{"name": "f", "arguments": {"a": 1}}')) == ["tool_call"]
    assert kinds(started('["a"]', "[]")) == ["exact"]
    assert kinds(started("12", "13")) == ["numeric"]
    assert started("12", "3,5").suite.checks[0].options == {"decimal": ","}
    assert kinds(started("A", "B")) == ["choice"]
    assert kinds(started("red, green", "blue, red")) == ["set_f1"]
    assert kinds(started("Paris", "Rome")) == ["normalised"]
    assert kinds(started(*PROSE)) == ["similarity"]
    assert kinds(started(*PROSE, knowledge=True)) == ["similarity", "citation_support"]


def test_a_judge_is_only_asked_where_one_is_configured() -> None:
    assert "judge" in kinds(started(*PROSE, judge="big"))
    assert "judge" not in kinds(started(*PROSE))


def test_rows_of_one_kind_stay_in_their_dataset_and_calls_in_texts_become_calls() -> None:
    assert isinstance(started(*PROSE).suite.cases, CasesFrom)
    made = started('{"name": "f", "arguments": {"a": 1}}').suite.cases
    assert isinstance(made, list)
    assert made[0].expected_tool_calls is not None
    assert made[0].expected_tool_calls[0].arguments == {"a": 1}


def test_answers_of_several_kinds_are_checked_each_by_its_own() -> None:
    made = started('{"a": 1}', "12")

    assert {check.kind: check.only for check in made.suite.checks} == {
        "json_schema": ["answer=json"],
        "json_fields": ["answer=json"],
        "numeric": ["answer=number"],
    }


def test_cases_that_nobody_could_judge_are_left_out_and_said() -> None:
    made = started("12", None)
    assert made.notes == ["1 case has no right answer and nobody to judge it: left out."]
    with pytest.raises(UsageError, match="No check fits"):
        started(None)


def test_a_schema_accepts_all_answers_and_closes_what_is_closed() -> None:
    values = [{"intent": name, "n": n} for n, name in enumerate(["a", "b", "a", "b"])] + [{"intent": "a"}]

    schema = schema_of(values)

    assert schema["required"] == ["intent"]
    assert schema["properties"] == {
        "intent": {"type": "string", "enum": ["a", "b"]},
        "n": {"type": "integer"},
    }
    assert schema_of([1, 2.5]) == {"type": "number"}
    assert schema_of([[1], ["x"]])["items"] == {"type": ["integer", "string"]}


def test_out_of_scope_questions_want_a_refusal_or_the_label_that_there_is() -> None:
    prose = started(*PROSE, out_of_scope=True).suite
    assert isinstance(prose.cases, list)
    added = [case for case in prose.cases if "out_of_scope" in case.tags]
    assert {check.kind for case in added for check in case.checks} == {"refusal"}
    assert prose.checks[0].without == ["out_of_scope"]
    labels = started("lost", "Other", "lost", "Other", out_of_scope=True).suite
    assert isinstance(labels.cases, list)
    assert labels.cases[-1].expected == "Other"
    assert "No out-of-scope cases" in started("a", "b", "a", "b", out_of_scope=True).notes[0]


def test_other_wordings_differ_and_belong_together() -> None:
    wordings = wordings_of("Where's my new card, please?", 8)

    assert len(set(wordings)) == len(wordings) == 8
    assert "Where is my new card, please?" in wordings
    group = paraphrased(Case("c", "Where is my card?", "In the post.", tags=["critical"]), 3)
    assert [case.group for case in group] == ["c"] * 4
    assert {case.expected for case in group} == {"In the post."}
    assert [case.id for case in group] == ["c", "c~1", "c~2", "c~3"]
    assert all("question" not in one for one in wordings_of("Wo bleibt denn meine Karte?", 8))


def test_a_suite_from_a_dataset_is_written_with_its_schema_and_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "temper.toml").write_text('[datasets.chats]\nsource = "chats.jsonl"\nheldout = 0.5\n')
    rows = [{"prompt": f"say {n}", "completion": json.dumps({"n": n})} for n in range(12)]
    (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)))
    workspace = Workspace(tmp_path)

    made = make(workspace, "mine", "chats/heldout", {}, None, Wishes(), False, tmp_path)

    assert (made.path, made.kinds, made.checks) == (
        "evals/mine.yaml",
        {"json": made.cases},
        ["json_schema", "json_fields"],
    )
    assert load_suite(tmp_path / made.path, tmp_path).suite.cases == CasesFrom("chats/heldout")
    with pytest.raises(UsageError, match="there already"):
        make(workspace, "mine", "chats/heldout", {}, None, Wishes(), False, tmp_path)


def test_the_file_says_why_each_check_was_chosen(tmp_path: Path) -> None:
    (tmp_path / "temper.toml").write_text("")
    rows = "".join(f"Q{n}?,{('yes', 'no')[n % 2]}\n" for n in range(6)) + 'J?,"{""a"": 1}"\n'
    file = tmp_path / "f.csv"
    file.write_text(f"question,expected\n{rows}", encoding="utf-8")

    make(Workspace(tmp_path), "mine", str(file), {}, None, Wishes(), False, tmp_path)

    text = (tmp_path / "evals" / "mine.yaml").read_text()
    assert "  # Labels (6 of 7 answers, 2 different: yes 3, no 3): the answer must be the label" in text
    assert "  # JSON (1 of 7 answers): each field is compared for itself" in text
    loaded = load_suite(tmp_path / "evals" / "mine.yaml", tmp_path).suite
    assert isinstance(loaded.cases, list)
    assert {case.expected for case in loaded.cases} == {"yes", "no", '{"a": 1}'}


def test_a_row_in_which_tools_were_called_is_played() -> None:
    turns = [
        Message("system", "Be brief."),
        Message("user", "Balance?"),
        Message("assistant", "", tool_calls=[ToolCall("f", '{"card": "1"}', "a"), ToolCall("g", "{}", "b")]),
        Message("tool", "of g", tool_call_id="b"),
        Message("tool", "of f", tool_call_id="a"),
        Message("assistant", "It is 3."),
    ]
    row = Example("r", 1, messages=turns, tools='[{"name": "f"}]')

    case = as_trajectory(case_of(row), row)

    assert (case.input, case.expected, [one.role for one in case.before]) == (
        "Balance?",
        "It is 3.",
        ["system"],
    )
    assert [(one.name, one.content, one.arguments) for one in case.tool_results] == [
        ("f", "of f", {"card": "1"}),
        ("g", "of g", {}),
    ]
    assert [one.name for one in case.expected_tool_calls or []] == ["f", "g"]
    assert kinds_of([case]) == ["trajectory"]
    spoken = Example("r", 1, messages=[*turns[:5], Message("user", "And?"), turns[5]])
    assert as_trajectory(case_of(spoken), spoken).tool_results == []


@pytest.mark.parametrize(
    "answers",
    [
        ("Refund", "lost card", "Refund", "lost card"),
        ("true", "false", "true", "false"),
        ("12", "1,000", "-4", "15%"),
        ("so #### 5", "so\n#### 1,200"),
        ('{"a": null}', '{"a": {"x": "\u00e9"}, "b": true}'),
        ('["a"]', "[]", "{}"),
        ('{"name": "f", "arguments": {"x": 1}}', '[f(a=1), g(b="x")]'),
        ("Freeze the card.", "\u8bf7\u6253\u5f00\u5e94\u7528\u3002", "def f(x):\n    return x"),
        ("2026-01-31", "12:30", "no", "007", "  padded  ", "\ttab", "- a\n- b", "# x: {y}"),
        ("3,5", "1.200,00", "12"),
        ("A", "(B)"),
        ("red, light blue", "- one\n- two"),
        ("SELECT a FROM t", "SELECT 1"),
        ("yes", '{"a":1}', "12", "A text that is long enough to be free."),
    ],
)
def test_right_answers_pass_the_checks_chosen_for_them_and_outlive_the_file(
    tmp_path: Path, answers: tuple[str, ...]
) -> None:
    (tmp_path / "temper.toml").write_text("")
    made = assemble("mine", cases(*answers), None, Wishes())
    if made.schema is not None:
        (tmp_path / "schema.json").write_text(json.dumps(made.schema))
    write_suite(tmp_path / "mine.yaml", made.suite, "Made.", whys=made.whys)

    loaded = load_suite(tmp_path / "mine.yaml", tmp_path)

    loaded.bench.embed = lambda texts: [[float(text == texts[0])] for text in texts]
    assert isinstance(loaded.suite.cases, list)
    assert [case.expected for case in loaded.suite.cases] == list(answers)
    for case in loaded.suite.cases:
        assert all(check.result(case.expected or "", case).passed for check in loaded.checks_of(case))
        assert not all(check.result("nonsense 99999", case).passed for check in loaded.checks_of(case))
