"""promptfoo's variables: from files, over defaults, naming each other, multiplied out."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.evals.foreign.stage import left, taken


def test_variables_come_from_files_and_what_is_no_text_is_said(tmp_path: Path) -> None:
    text = """
prompts: ["{{doc}} {{data.k}} {{gone}}"]
tests:
  - vars: {doc: file://d.txt, data: file://d.json, gone: file://no.txt}
    assert: [{type: contains, value: a}]
  - {vars: vars.yaml, assert: [{type: contains, value: a}]}
"""
    files = {"c.yaml": text, "d.txt": "Doc\n", "d.json": '{"k": 1}', "vars.yaml": "doc: other\ngone: here\n"}

    imported = taken(tmp_path, files)

    assert [case.input for case in imported.cases] == ["Doc 1 file://no.txt", "other  here"]
    assert "the variable file://no.txt is not there (1 case: test-1)" in left(imported)


def test_what_a_variable_names_and_nobody_knows_is_said(tmp_path: Path) -> None:
    text = """
prompts: ["{{q}}"]
tests: [{vars: {q: "{{env.NAME}} {{other}}", other: here}, assert: [{type: contains, value: a}]}]
"""

    imported = taken(tmp_path, {"c.yaml": text})

    assert imported.cases[0].input == " here"
    assert left(imported) == ["`{{ env }}` is no variable of it: left empty (1 case: test-1)"]


def test_variables_in_a_file_go_before_the_default_ones(tmp_path: Path) -> None:
    text = """
prompts: ["{{doc}} in {{lang}} {{path}}"]
defaultTest: {vars: {lang: German, doc: none, path: here}}
tests: [{vars: file://vars.yaml, assert: [{type: contains, value: a}]}]
"""

    [case] = taken(tmp_path, {"c.yaml": text, "vars.yaml": "doc: other\n"}).cases

    assert case.input == "other in German here"


def test_only_lists_of_texts_are_multiplied_out(tmp_path: Path) -> None:
    test = {"vars": {"a": ["x", "y"], "n": [1, 2], "o": [{"k": 1}]}, "assert": [{"type": "is-json"}]}

    imported = taken(tmp_path, {"c.json": json.dumps({"prompts": ["{{a}} {{n}} {{o}}"], "tests": [test]})})

    assert [case.input for case in imported.cases] == ['x [1,2] [{"k":1}]', 'y [1,2] [{"k":1}]']
