"""Suites of other tools: what becomes of each part, and that what cannot be taken over is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.foreign import Imported, read_foreign
from engine.evals.suite import load_suite
from engine.evals.suite.writing import write_suite
from store.errors import MissingError, UsageError
from store.records.evals import Case

PROMPTFOO = """
description: a test
prompts: ["Translate to French: {{text}}", file://other.txt]
providers: [openai:gpt-4]
defaultTest:
  assert: [{type: latency, threshold: 500}]
tests:
  - description: A greeting
    vars: {text: hello}
    assert:
      - {type: icontains, value: bonjour, weight: 2}
      - {type: not-contains, value: "{{text}}"}
      - {type: javascript, value: "output.split().length"}
  - vars: {text: bye}
    assert:
      - {type: similar, value: au revoir, threshold: 0.8}
      - {type: is-json, value: {type: object}}
      - {type: equals, value: {a: 1}}
      - {type: contains-any, value: [a, b]}
      - {type: regex, value: "^a"}
      - {type: llm-rubric, value: is polite}
    options: {transform: x}
"""


def read(tmp_path: Path, text: str, name: str) -> Imported:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return read_foreign(file)


def cases_of(imported: Imported) -> list[Case]:
    assert isinstance(imported.suite.cases, list)
    return imported.suite.cases


def test_promptfoo_tests_become_cases_and_the_rest_is_named(tmp_path: Path) -> None:
    imported = read(tmp_path, PROMPTFOO, "promptfooconfig.yaml")

    first, second = cases_of(imported)
    assert (first.id, first.input) == ("a-greeting", "Translate to French: hello")
    assert [(check.kind, check.options, check.weight) for check in first.checks] == [
        ("latency", {"max_ms": 500.0}, 1),
        ("contains", {"values": ["bonjour"], "ignore_case": True}, 2),
        ("contains", {"values": ["hello"], "absent": True}, 1),
    ]
    assert [check.kind for check in second.checks[1:]] == [
        "similarity", "json_schema", "exact", "contains", "regex", "judge",
    ]  # fmt: skip
    left = "\n".join(map(str, imported.left))
    for named in (
        "`providers`",
        "file://other.txt",
        "`javascript` is code",
        "`options.transform`: answers are judged as they are (1 case: test-2)",
    ):
        assert named in left


def test_openai_evals_rows_become_cases(tmp_path: Path) -> None:
    text = (
        '{"input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2?"}], '
        '"ideal": ["4", "four"]}\n{"input": "3+3?", "ideal": "6"}\n'
    )

    imported = read(tmp_path, text, "sums.jsonl")

    first, second = cases_of(imported)
    assert imported.form == "OpenAI Evals"
    assert (first.input, first.before[0].content, first.expected, first.alternatives) == (
        "2+2?",
        "Be short.",
        "4",
        ["four"],
    )
    assert (second.id, second.expected) == ("line-2", "6")
    assert imported.suite.checks[0].kind == "normalised"
    assert "which scorer was meant" in str(imported.left[0])


def test_inspect_rows_become_cases_with_their_choices(tmp_path: Path) -> None:
    text = (
        '{"id": "q", "input": "Which?", "target": "B", "choices": ["cat", "dog"], "metadata": {"level": 1}, '
        '"sandbox": "docker"}\n'
    )

    imported = read(tmp_path, text, "pets.jsonl")

    [case] = cases_of(imported)
    assert imported.form == "Inspect"
    assert case.input == "Which?\n\nA) cat\nB) dog"
    assert case.checks[0].options == {"choices": ["A", "B"]}
    assert case.metadata == {"level": 1}
    assert "`sandbox`: there are no sandboxes here (1 case: q)" in map(str, imported.left)


def test_what_was_taken_over_is_a_suite_that_can_be_read_again(tmp_path: Path) -> None:
    imported = read(
        tmp_path, PROMPTFOO.replace("      - {type: llm-rubric, value: is polite}\n", ""), "p.yaml"
    )
    path = tmp_path / "evals" / "p.yaml"

    write_suite(path, imported.suite, "Taken over.")

    loaded = load_suite(path, tmp_path)
    assert loaded.suite == imported.suite


@pytest.mark.parametrize(
    ("text", "name", "title"),
    [
        ("a: 1", "x.yaml", "This is no suite of another tool"),
        ("[", "x.yaml", "The file is not YAML"),
        ("{", "x.jsonl", "The file is not JSONL"),
        ('{"question": 1}', "x.jsonl", "No line is a case"),
        ("tests: [{vars: {a: 1}}]", "x.yaml", "There is nothing to take over"),
        ("", "x.jsonl", "No line is a case"),
        ("module.exports = {}", "promptfooconfig.js", "This file is code"),
    ],
)
def test_a_file_that_is_none_of_these_is_refused(tmp_path: Path, text: str, name: str, title: str) -> None:
    with pytest.raises(UsageError, match=title):
        read(tmp_path, text, name)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        read_foreign(tmp_path / "none.yaml")


def test_a_suite_of_temper_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a suite of Temper already"):
        read(tmp_path, "name: a\ncases: []\n", "a.yaml")
