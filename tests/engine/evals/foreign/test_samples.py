"""OpenAI Evals and Inspect: rows in JSONL, JSON and CSV, and the registry that says who judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.errors import MissingError, UsageError
from store.records.evals import Check
from tests.engine.evals.foreign.stage import laid_out, left, taken


def rows(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_conversations_are_taken_with_roles_of_other_names_and_parts(tmp_path: Path) -> None:
    asked = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image", "image": "a.png"}]},
    ]
    begun = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "The answer is"}]

    imported = taken(
        tmp_path, {"a.jsonl": rows({"input": asked, "ideal": "x"}, {"input": begun, "ideal": "y"})}
    )

    first, second = imported.cases
    assert (first.input, first.before[0].role, second.input) == ("What?", "system", "Go")
    said = "\n".join(left(imported))
    assert "a part of a turn that is no text (`image`) (1 case: line-1)" in said
    assert "its last turn is the assistant's, a beginning to go on with: left out (1 case: line-2)" in said


def test_a_conversation_that_ends_with_a_tools_answer_is_asked_whole(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "sum?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "1", "function": "f", "arguments": {"x": 1}}],
        },
        {"role": "tool", "content": "42", "tool_call_id": "1", "function": "f"},
    ]

    [case] = taken(tmp_path, {"a.json": json.dumps([{"input": turns, "target": "42"}])}).cases

    assert [turn.role for turn in case.messages] == ["user", "assistant", "tool"]
    assert (case.messages[1].tool_calls[0].name, case.messages[1].tool_calls[0].arguments) == ("f", '{"x":1}')


def test_choices_are_shown_and_the_target_is_a_letter(tmp_path: Path) -> None:
    imported = taken(
        tmp_path,
        {
            "a.jsonl": rows(
                {"id": 1, "input": "Which?", "target": "dog", "choices": ["cat", "dog"]},
                {"id": 1, "input": "Which?", "target": ["A", "B"], "choices": "cat, dog"},
                {"id": 3, "input": "Which?", "target": "Z", "choices": ["cat", "dog"]},
            )
        },
    )

    first, second, _ = imported.cases
    assert (first.id, first.expected, first.checks[0].kind) == ("1", "B", "choice")
    assert (second.id, second.expected, second.alternatives) == ("1-2", "A", ["B"])
    assert second.input == "Which?\n\nA) cat\nB) dog"
    said = left(imported)
    assert "several choices are right at once: here any one of them passes (1 case: 1-2)" in said
    assert "its target is none of its choices: no answer could pass (1 case: 3)" in said


def test_rows_that_are_no_cases_are_named_with_their_lines(tmp_path: Path) -> None:
    imported = taken(
        tmp_path,
        {"a.jsonl": rows({"input": "a", "target": "b"}, {"q": 1}, 7, {"input": ""}, {"input": "no target"})},
    )

    assert [case.id for case in imported.cases if case.expected] == ["line-1"]
    said = left(imported)
    assert "no case: the row has q, and no `input` (1 case: line-2)" in said
    assert "no case: the row is a int, and no `input` (1 case: line-3)" in said
    assert "no case: its `input` is empty (1 case: line-4)" in said
    assert "nothing would check it: left out (1 case: line-5)" in said


def test_sandboxes_files_and_setup_are_named_per_case(tmp_path: Path) -> None:
    row = {
        "input": "a",
        "target": "b",
        "sandbox": "docker",
        "files": {"a": "b"},
        "setup": "ls",
        "metadata": [1],
    }

    said = left(taken(tmp_path, {"a.jsonl": rows(row, row)}))

    for name in ("sandbox", "files", "setup"):
        assert f"`{name}`: there are no sandboxes here (2 cases: line-1, line-2)" in said
    assert "`metadata` that is no object (2 cases: line-1, line-2)" in said


def test_a_table_of_inspect_has_conversations_and_metadata_as_json(tmp_path: Path) -> None:
    text = 'input,target,id,metadata\n"[{""role"":""user"",""content"":""hi""}]",hello,1,"{""a"":1}"\n'

    [case] = taken(tmp_path, {"a.csv": text}).cases

    assert (case.id, case.input, case.expected, case.metadata) == ("1", "hi", "hello", {"a": 1})


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"input": "a", "ideal": "b"}, "normalised"),
        ({"input": "a", "target": "b"}, "contains"),
        ({"input": "a", "target": "It depends on many things, as is explained here. " * 2}, "similarity"),
        ({"input": "a", "target": '{"a": 1}'}, "exact"),
        ({"input": "a", "criteria": "is it short?"}, "judge"),
    ],
)  # fmt: skip
def test_a_check_is_chosen_by_the_answers(tmp_path: Path, row: dict[str, str], kind: str) -> None:
    imported = taken(tmp_path, {"a.jsonl": rows(row)})

    [check] = imported.suite.checks or imported.cases[0].checks
    assert check.kind == kind


def test_every_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    text = '{"input": "a", "ideal": "b"}\nnope\n{"input": NaN}\n'

    with pytest.raises(UsageError) as caught:
        taken(tmp_path, {"a.jsonl": text})

    assert "line 2: not JSON" in caught.value.happened
    assert "line 3: NaN is not JSON" in caught.value.happened


def test_lines_in_a_file_called_json_are_rows_too(tmp_path: Path) -> None:
    assert (
        len(
            taken(
                tmp_path, {"a.json": rows({"input": "a\u2028b", "ideal": "c"}, {"input": "d", "ideal": "e"})}
            ).cases
        )
        == 2
    )


REGISTRY = """
sums: {{id: sums.dev.v0, metrics: [accuracy]}}
sums.dev.v0:
  class: {name}
  args: {{samples_jsonl: sums/samples.jsonl, max_tokens: 5, modelgraded_spec: fact}}
"""


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("evals.elsuite.basic.match:Match", Check("regex", options={"value": "\\A\\s*(?:4|four)"})),
        ("evals.elsuite.basic.includes:Includes", Check("contains")),
        ("evals.elsuite.basic.json_match:JsonMatch", Check("exact")),
    ],
)
def test_a_registry_says_which_samples_are_judged_how(tmp_path: Path, name: str, check: Check) -> None:
    imported = taken(
        tmp_path,
        {
            "evals/sums.yaml": REGISTRY.format(name=name),
            "data/sums/samples.jsonl": rows({"input": "2+2?", "ideal": ["4", "four"]}),
        },
    )

    assert imported.cases[0].checks == [check]
    assert "`max_tokens: 5` of the eval's args" in left(imported)


def test_a_model_graded_eval_gets_a_judge_and_code_is_refused(tmp_path: Path) -> None:
    files = {
        "evals/a.yaml": REGISTRY.format(name="evals.elsuite.modelgraded.classify:ModelBasedClassify"),
        "data/sums/samples.jsonl": rows({"input": "2+2?", "ideal": "4"}),
    }

    imported = taken(tmp_path, files)

    assert imported.cases[0].checks[0].kind == "judge"
    assert any("the prompt and choices of `fact`" in line for line in left(imported))
    with pytest.raises(UsageError, match="That class of evals"):
        taken(tmp_path, {"evals/b.yaml": REGISTRY.format(name="my.code:Own"), **files})


def test_samples_that_a_registry_names_and_lacks_are_missing(tmp_path: Path) -> None:
    path = laid_out(tmp_path, {"evals/a.yaml": REGISTRY.format(name="evals.elsuite.basic.match:Match")})

    with pytest.raises(MissingError, match="The samples are not there"):
        taken(tmp_path, {"evals/a.yaml": path.read_text()})


def test_several_evals_of_a_registry_are_slices_and_those_without_samples_are_named(tmp_path: Path) -> None:
    text = """
one.s1: {class: evals.elsuite.basic.match:Match, args: {samples_jsonl: a.jsonl}}
two.s1:
  class: evals.elsuite.basic.includes:Includes
  args: {samples_jsonl: b.jsonl, samples_renamings: {input1: input}}
three.s1: {class: evals.elsuite.basic.match:Match, args: {samples_jsonl: gone.jsonl}}
"""
    files = {
        "evals/r.yaml": text,
        "evals/a.jsonl": rows({"input": "a", "ideal": "b"}),
        "evals/b.jsonl": rows({"input1": "c", "ideal": "d"}),
    }

    imported = taken(tmp_path, files)

    assert [(case.id, case.slices, case.checks[0].kind) for case in imported.cases] == [
        ("line-1", {"eval": "one"}, "regex"),
        ("line-1-2", {"eval": "two"}, "contains"),
    ]
    assert any(line.startswith("the eval three.s1: r.yaml names gone.jsonl") for line in left(imported))
