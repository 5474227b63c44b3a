"""promptfoo: prompts and tests from files, templates, scenarios, tables; what is left is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.evals.foreign import Imported
from engine.evals.suite import load_suite
from engine.evals.suite.writing import write_suite
from store.errors import UsageError
from store.records.evals import Check
from tests.engine.evals.foreign.stage import left, taken


def checks_of(tmp_path: Path, assertion: dict[str, Any] | str, **given: Any) -> tuple[list[Check], list[str]]:
    """The checks that one assertion becomes, and what was said of it."""
    keep = {"type": "contains", "value": "keep"}
    test = {"vars": {"q": "?", **given}, "assert": [keep, assertion]}
    imported = taken(tmp_path, {"c.json": json.dumps({"prompts": ["{{q}}"], "tests": [test]})})
    return imported.cases[0].checks[1:], left(imported)


def test_prompts_and_tests_come_from_files_and_globs(tmp_path: Path) -> None:
    imported = taken(
        tmp_path,
        {
            "c.yaml": "prompts: [file://prompts/*.txt, file://chat.json, prompts.csv]\ntests: file://t/*.yaml\n",
            "prompts/a.txt": "A {{q}}\n---\nB {{q}}\n",
            "chat.json": '[{"role": "system", "content": "{{tone}}"}, {"role": "user", "content": "{{q}}"}]',
            "prompts.csv": "prompt,label\nC {{q}},csv\n",
            "t/1.yaml": "- {vars: {q: one, tone: kind}, assert: [{type: contains, value: '{{q}}'}]}\n",
            "t/2.yaml": "- {vars: {q: two, tone: dry}, assert: [{type: contains, value: '{{q}}'}]}\n",
        },
    )

    assert [case.input for case in imported.cases] == [
        "A one", "B one", "one", "C one", "A two", "B two", "two", "C two",
    ]  # fmt: skip
    assert imported.cases[2].before[0].content == "kind"
    assert [case.slices["prompt"] for case in imported.cases[:4]] == ["a", "a-2", "chat", "csv"]
    assert {case.group for case in imported.cases} == {"test-1", "test-2"}
    assert left(imported) == []


def test_scenarios_are_every_test_under_every_config(tmp_path: Path) -> None:
    text = """
prompts: ["{{language}}: {{input}}"]
scenarios:
  - config: [{vars: {language: es, hi: Hola}}, {vars: {language: fr, hi: Salut}}]
    tests:
      - {vars: {input: Hi}, assert: [{type: equals, value: "{{hi}}"}]}
      - {vars: {input: [Bye, Ciao]}, assert: [{type: contains, value: "!"}]}
"""
    imported = taken(tmp_path, {"c.yaml": text})

    assert [case.input for case in imported.cases] == [
        "es: Hi", "es: Bye", "es: Ciao", "fr: Hi", "fr: Bye", "fr: Ciao",
    ]  # fmt: skip
    assert imported.cases[3].checks[0].options == {"value": "Salut"}


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("{{ q | upper }}", "WHO?"),
        ("{% if vip %}VIP {% endif %}{{ q }}", "VIP Who?"),
        ("{% for one in many %}{{ one.n }};{% endfor %}{{ many.length }}", "1;2.5;2"),
        ("{{ many | dump }}", '[{"n":1},{"n":2.5}]'),
        ("{{ (text | load).a }}", "b"),
        ("{{ none }}|{{ whole }}|{{ vip }}", "|3|true"),
        ("{{ missing | default('x') }}", "x"),
        ("{{ nested }}", "see Who?"),
    ],
)
def test_templates_are_filled_as_nunjucks_does(tmp_path: Path, prompt: str, asked: str) -> None:
    given = {
        "q": "Who?", "vip": True, "many": [{"n": 1}, {"n": 2.5}], "text": '{"a": "b"}', "none": None,
        "whole": 3.0, "nested": "see {{q}}",
    }  # fmt: skip
    test = {
        "vars": given,
        "options": {"disableVarExpansion": True},
        "assert": [{"type": "contains", "value": "a"}],
    }

    imported = taken(tmp_path, {"c.json": json.dumps({"prompts": [prompt], "tests": [test]})})

    assert imported.cases[0].input == asked
    assert left(imported) == []


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{{ gone }}", "`{{ gone }}` is no variable of it: left empty"),
        ("{{ q | own }}", "stands as it is: No filter named 'own'"),
        ("{{ q.__class__.__mro__ }}", "`{{ __class__ }}` is no variable of it"),
        ("{% for i in range(99999) %}{{ q * 99 }}{% endfor %}", "stands as it is: it grows beyond"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "stands as it is"),
    ],
)
def test_what_a_template_cannot_be_filled_with_is_said(tmp_path: Path, prompt: str, said: str) -> None:
    test = {"vars": {"q": "Who?"}, "assert": [{"type": "contains", "value": "a"}]}

    imported = taken(tmp_path, {"c.json": json.dumps({"prompts": [prompt], "tests": [test]})})

    assert any(said in line and "(1 case: test-1)" in line for line in left(imported))


@pytest.mark.parametrize(
    ("assertion", "check"),
    [
        ({"type": "contains", "value": 0}, Check("contains", options={"values": ["0"]})),
        ({"type": "not-contains-all", "value": ["a", "b"]},
         Check("contains", negate=True, options={"values": ["a", "b"]})),
        ({"type": "contains-any", "value": 'a, "b, c"'},
         Check("contains", options={"values": ["a", "b, c"], "all": False})),
        ({"type": "not-icontains-any", "value": ["a", "b"]},
         Check("contains", options={"values": ["a", "b"], "ignore_case": True, "absent": True})),
        ({"type": "starts-with", "value": "a.b"}, Check("regex", options={"value": "\\Aa\\.b"})),
        ({"type": "not-equals", "value": "{{q}}"}, Check("exact", negate=True, options={"value": "?"})),
        ({"type": "contains-json", "value": '{"type": "object"}'},
         Check("json_schema", options={"schema": {"type": "object"}, "within": True})),
        ({"type": "not-similar", "value": "a", "threshold": 0.9},
         Check("similarity", threshold=0.9, negate=True, options={"value": "a"})),
        ({"type": "word-count", "value": {"min": 2, "max": 5}},
         Check("length", options={"min": 2, "max": 5})),
        ({"type": "not-is-refusal"}, Check("refusal", options={"should": "answer"})),
        ({"type": "g-eval", "value": ["a", "b"]}, Check("judge", threshold=0.7, options={"rubric": "a\nb"})),
        ({"type": "latency", "threshold": 50, "weight": 0, "metric": "m"},
         Check("latency", name="m", weight=0, options={"max_ms": 50})),
    ],
)  # fmt: skip
def test_an_assertion_becomes_a_check(tmp_path: Path, assertion: dict[str, Any], check: Check) -> None:
    checks, said = checks_of(tmp_path, assertion)

    assert checks == [check]
    assert said == []


@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        ({"type": "javascript", "value": "output.length"}, "`javascript` is code"),
        ({"type": "javascript", "value": "output.includes('a') || output.includes('b')"}, "is code"),
        ({"type": "python", "value": "max(0, len(output) - 300)"}, "`python` is code"),
        ({"type": "not-javascript", "value": "output.includes('a') && output.includes('b')"}, "is code"),
        ({"type": "levenshtein", "value": "a", "threshold": 3}, "`levenshtein` has no counterpart here"),
        ({"type": "made-up"}, "`made-up` is none of promptfoo's"),
        ({"type": "regex", "value": "(a"}, "is not a pattern"),
        ({"type": "is-json", "value": {"type": "text"}}, "has a schema that is not a JSON Schema"),
        ({"type": "contains", "value": "file://gone.txt"}, "names file://gone.txt, which is not there"),
        ({"type": "contains", "value": "file://x.js"}, "is code (file://x.js)"),
        ({"type": "contains"}, "`contains` has no value"),
        ({"type": "assert-set", "threshold": 0.5, "assert": []}, "passes in part at its `threshold`"),
        ({"type": "bleu", "value": "a", "threshold": 80}, "the threshold of `bleu` is 80"),
        ({"type": "contains", "value": "a", "weight": "heavy"}, "the weight of `contains` is 'heavy'"),
        ({"type": "contains", "value": "a", "transform": "output.trim()"}, "`transform` of `contains`"),
        ("text", '"text" is no assertion'),
        ({"value": "a"}, "is no assertion"),
    ],
)
def test_an_assertion_without_a_counterpart_is_named_with_its_case(
    tmp_path: Path, assertion: dict[str, Any] | str, said: str
) -> None:
    _, lines = checks_of(tmp_path, assertion)

    assert any(said in line and "(1 case: test-1)" in line for line in lines)


def test_a_set_of_assertions_shares_its_weight_and_a_reference_is_followed(tmp_path: Path) -> None:
    text = """
prompts: ["{{q}}"]
assertionTemplates: {has: {type: contains, value: a}}
tests:
  - vars: {q: b}
    assert:
      - type: assert-set
        weight: 3
        metric: facts
        mode: any
        assert: [{type: contains, value: c}, {type: contains, value: d, weight: 2, metric: own}]
      - $ref: "#/assertionTemplates/has"
      - {type: assert-set, value: [{type: contains, value: e}]}
"""
    imported = taken(tmp_path, {"c.yaml": text})

    [case] = imported.cases
    assert [(one.options["values"], one.weight, one.name) for one in case.checks] == [
        (["c"], 1, "facts"),
        (["d"], 2, "own"),
        (["a"], 1, ""),
    ]
    assert left(imported) == [
        "`mode` of `assert-set` (1 case: test-1)",
        "the assertion `assert-set` has no list `assert` (1 case: test-1)",
    ]


def test_what_every_case_lacks_is_one_line_with_their_number(tmp_path: Path) -> None:
    tests = "".join(f"  - {{vars: {{q: {n}}}, assert: [{{type: contains, value: a}}]}}\n" for n in range(20))
    text = f"prompts: ['{{{{q}}}}']\ndefaultTest: {{options: {{transform: x}}}}\ntests:\n{tests}"

    imported = taken(tmp_path, {"c.yaml": text})

    [one] = imported.left
    assert len(one.cases) == 20
    assert str(one).endswith("test-8 and 12 more)")


def test_yaml_of_another_tool_keeps_words_and_dates(tmp_path: Path) -> None:
    test = "{vars: {c: NO, d: 2024-01-01}, assert: [{type: equals, value: yes}]}"
    text = f"prompts: ['{{{{c}}}} {{{{d}}}}']\ntests: [{test}]"

    [case] = taken(tmp_path, {"c.yaml": text}).cases

    assert (case.input, case.checks[0].options) == ("NO 2024-01-01", {"value": "yes"})


def test_repeats_are_epochs_and_other_settings_are_named(tmp_path: Path) -> None:
    text = (
        "prompts: ['{{q}}', file://gen.js, file://gone.txt]\nproviders: [x]\nsharing: false\n"
        "evaluateOptions: {repeat: 4, delay: 3}\n"
        "tests: [{vars: {q: a}, provider: y, assert: [{type: contains, value: a}]}, file://t.py, https://x/y.csv]\n"
    )

    imported = taken(tmp_path, {"c.yaml": text})

    assert imported.suite.epochs == 4
    said = "\n".join(left(imported))
    for named in (
        "gen.js is code", "gone.txt is not there", "`providers`", "`sharing`", "`evaluateOptions.delay`",
        "`provider`: who answers is what variants say (1 case: test-1)", "t.py is code",
        "https://x/y.csv is not on this machine",
    ):  # fmt: skip
        assert named in said


def test_a_test_is_asked_under_the_prompts_that_it_names(tmp_path: Path) -> None:
    text = """
prompts: [{label: short, raw: "S {{q}}"}, {label: long, raw: "L {{q}}"}]
tests:
  - {vars: {q: one}, prompts: [long], assert: [{type: contains, value: a}]}
  - {vars: {q: two}, prompts: [none], assert: [{type: contains, value: a}]}
"""
    imported = taken(tmp_path, {"c.yaml": text})

    assert [(case.input, case.slices) for case in imported.cases] == [("L one", {"prompt": "long"})]
    assert "none of its prompts (none) is there (1 case: test-2)" in left(imported)


def test_far_too_many_combinations_are_refused(tmp_path: Path) -> None:
    many = json.dumps([str(n) for n in range(999)])
    text = f"prompts: ['{{{{a}}}}']\ntests: [{{vars: {{a: {many}, b: {many}}}, assert: []}}]"

    with pytest.raises(UsageError, match="Far too many combinations"):
        taken(tmp_path, {"c.yaml": text})


def test_an_imported_suite_can_be_read_again(tmp_path: Path) -> None:
    text = """
prompts: ["{{q}}"]
tests:
  - vars: {q: 0o17, w: 1e5}
    threshold: 0.5
    metadata: {k: yes}
    assert: [{type: not-equals, value: off, weight: 2}]
"""
    imported: Imported = taken(tmp_path, {"c.yaml": text.replace("1e5", "'1e5'")})
    path = tmp_path / "evals" / "c.yaml"

    write_suite(path, imported.suite, "Taken over.\n" + "word " * 60)

    assert load_suite(path, tmp_path).suite == imported.suite
    assert max(map(len, path.read_text().splitlines())) <= 110


@pytest.mark.parametrize(
    ("source", "checks"),
    [
        ("output.includes('30')", [Check("contains", options={"values": ["30"]})]),
        ("return !output.includes(\"I can't\");",
         [Check("contains", negate=True, options={"values": ["I can't"]})]),
        ("output.toLowerCase().includes('paris')",
         [Check("contains", options={"values": ["paris"], "ignore_case": True})]),
        ("output.includes('salt and pepper, or what?')",
         [Check("contains", options={"values": ["salt and pepper, or what?"]})]),
        ("output === 'yes'", [Check("exact", options={"value": "yes"})]),
        ("output.trim() !== 'yes'", [Check("exact", negate=True, options={"value": "yes"})]),
        ("output.startsWith('Ahoy')", [Check("regex", options={"value": "\\AAhoy"})]),
        ("/^a+$/i.test(output)", [Check("regex", options={"value": "^a+$", "ignore_case": True})]),
        ("output.length <= 280", [Check("length", options={"max": 280, "unit": "characters"})]),
        ("len(output) > 5", [Check("length", options={"min": 6, "unit": "characters"})]),
        ("'a' in output.lower()", [Check("contains", options={"values": ["a"], "ignore_case": True})]),
        ("JSON.parse(output).color === 'yellow'",
         [Check("json_fields", options={"value": '{"color":"yellow"}', "fields": ["color"]})]),
        ("json.loads(output)['a']['b'] == 3",
         [Check("json_fields", options={"value": '{"a":{"b":3}}', "fields": ["a.b"]})]),
        ("output.includes('a') && output.length < 9",
         [Check("contains", weight=0.5, options={"values": ["a"]}),
          Check("length", weight=0.5, options={"max": 8, "unit": "characters"})]),
    ],
)  # fmt: skip
def test_code_that_says_no_more_than_a_check_becomes_one(
    tmp_path: Path, source: str, checks: list[Check]
) -> None:
    made, said = checks_of(tmp_path, {"type": "javascript", "value": source})

    assert made == checks
    assert said == []


def test_files_that_name_each_other_end_and_are_named(tmp_path: Path) -> None:
    files = {
        "c.yaml": "prompts: ['{{q}}']\ntests: [file://a.yaml, {vars: {q: x}, assert: [{type: is-json}]}]\n",
        "a.yaml": "- file://b.yaml\n",
        "b.yaml": "- file://a.yaml\n",
    }

    imported = taken(tmp_path, files)

    assert len(imported.cases) == 1
    assert any(line.endswith("names itself") for line in left(imported))


def test_what_stands_where_a_test_should_is_named_and_an_empty_question_too(tmp_path: Path) -> None:
    text = """
prompts: ["{{q}}", null, 5]
tests:
  - null
  - {vars: null, assert: [{type: contains, value: a}]}
  - {vars: {q: null}, assert: {type: contains, value: a}, options: null, metadata: x, threshold: "0.5"}
"""
    imported = taken(tmp_path, {"c.yaml": text})

    assert [(case.id, case.threshold) for case in imported.cases] == [("test-1", None), ("test-2", 0.5)]
    said = left(imported)
    assert "`tests`: null is none" in said
    assert "`prompts`: null is no prompt" in said
    assert "its question is empty (2 cases: test-1, test-2)" in said


def test_what_a_case_lacks_several_times_is_counted(tmp_path: Path) -> None:
    asserted = [{"type": "is-json"}, {"type": "webhook", "value": "a"}, {"type": "webhook", "value": "b"}]
    test = {"vars": {"q": "a"}, "assert": asserted}

    [line] = left(taken(tmp_path, {"c.json": json.dumps({"prompts": ["{{q}}"], "tests": [test, test]})}))

    assert line == "the assertion `webhook` has no counterpart here (4 times in 2 cases: test-1, test-2)"
