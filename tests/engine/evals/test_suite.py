"""Suites in YAML: read, or refused with everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.suite import load_suite
from store.errors import MissingError, UsageError
from store.records.evals import Case, CasesFrom

GOOD = """
name: intents
cases:
  - {id: c1, input: Where is my card, expected: lost}
  - {id: c2, input: My money back!, expected: refund, checks: [{kind: contains, value: ref}]}
checks:
  - {kind: exact}
  - {kind: json_schema, schema: intent.json}
"""


def write(root: Path, text: str, name: str = "mine.yaml") -> Path:
    (root / "evals").mkdir(exist_ok=True)
    path = root / "evals" / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(root: Path, text: str) -> list[str]:
    """What is wrong with a suite, a line each."""
    with pytest.raises(UsageError) as caught:
        load_suite(write(root, text), root)
    return caught.value.happened.splitlines()


def test_a_case_is_judged_by_the_checks_of_the_suite_then_by_its_own(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "evals" / "intent.json").write_text('{"type": "string"}')

    loaded = load_suite(path, tmp_path)

    assert isinstance(loaded.suite.cases, list)
    assert [check.name for check in loaded.compiled()] == ["exact", "json_schema"]
    names = [check.name for check in loaded.checks_of(loaded.suite.cases[1])]
    assert names == ["exact", "json_schema", "contains"]


def test_cases_may_be_taken_from_a_dataset(tmp_path: Path) -> None:
    text = "name: held\ncases: {dataset: chats/heldout, limit: 5}\nchecks: [{kind: exact}]\n"

    loaded = load_suite(write(tmp_path, text), tmp_path)

    assert loaded.suite.cases == CasesFrom("chats/heldout", 5)


def test_every_wrong_key_is_listed_at_once_with_file_and_place(tmp_path: Path) -> None:
    text = """
nam: intents
cases:
  - {id: c1, input: a, expected: b, checks: [{kind: exat}]}
  - {id: c2, inptu: a}
  - just text
checks: [{kind: exact, valeu: x}]
"""

    assert problems(tmp_path, text) == [
        "mine.yaml:1: name: missing",
        "mine.yaml:2: nam: unknown key; did you mean 'name'?",
        "mine.yaml:4: cases[0] (c1).checks[0].kind: there is no check 'exat'; did you mean 'exact'?",
        "mine.yaml:5: cases[1] (c2).inptu: unknown key; did you mean 'input'?",
        "mine.yaml:5: cases[1] (c2).input: missing",
        "mine.yaml:6: cases[2]: expected a table, got str",
        "mine.yaml:7: checks[0].valeu: unknown key; did you mean 'value'?",
    ]


def test_every_check_that_cannot_work_is_listed_at_once(tmp_path: Path) -> None:
    text = """
name: intents
cases:
  - {id: c1, input: a, checks: [{kind: regex, value: '(a'}]}
  - {id: c1, input: b}
checks: [{kind: exact}, {kind: json_schema, schema: none.json}]
"""

    found = problems(tmp_path, text)

    assert len(found) == 5
    assert "cases[0] (c1).checks[0]: regex: `value`: '(a' is not a pattern" in found[0]
    assert "cases[0] (c1): `exact` has nothing to compare with; add `expected`" in found[1]
    assert "mine.yaml:5: cases[1] (c1): the id 'c1' stands 2 times" in found[2]
    assert "cases[1] (c1): `exact` has nothing" in found[3]
    assert f"checks[1]: json_schema: none.json: there is no such file in {tmp_path}/evals or" in found[4]


def test_a_wrong_key_hides_neither_what_cannot_work_nor_an_id_that_stands_twice(
    tmp_path: Path,
) -> None:
    text = """
name: intents
cases:
  - {id: c1, input: a, expected: b, checks: [{kind: regex, value: '(a'}]}
  - {id: c1, input: b, expected: b}
checks: [{kind: exactly}, {kind: json_schema, schema: none.json}]
threshold: 2
epochs: 0
"""

    found = problems(tmp_path, text)

    assert len(found) == 6
    assert "cases[0] (c1).checks[0]: regex: `value`: '(a' is not a pattern" in found[0]
    assert "cases[1] (c1): the id 'c1' stands 2 times" in found[1]
    assert "checks[0].kind: there is no check 'exactly'" in found[2]
    assert "checks[1]: json_schema: none.json: there is no such file" in found[3]
    assert found[4:] == [
        "mine.yaml:7: threshold: 2 is not between 0 and 1",
        "mine.yaml:8: epochs: 0 is less than 1",
    ]


def test_a_case_has_an_id_and_asks_one_thing(tmp_path: Path) -> None:
    text = """
name: a
cases:
  - {id: " ", input: a, expected: b}
  - {id: c, input: a, messages: [{role: user, content: b}], expected: b}
checks: [{kind: exact}]
"""

    assert problems(tmp_path, text) == [
        "mine.yaml:4: cases[0] ( ).id: empty",
        "mine.yaml:5: cases[1] (c).messages: beside `input` or `before`; a case asks one of them",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected `name`, `cases` and `checks`: it is empty"),
        ("- a\n", "expected `name`, `cases` and `checks`, got list"),
        ("name: a\ncases: []\n", "cases: none; an empty suite tests nothing"),
        ("name: a\ncases: text\n", "cases: expected a list, got str"),
        ("name: a\ncases: {dataset: chats}\n", "checks: none, so nothing would be tested"),
        (
            "name: a\ncases: [{id: c1, input: b}]\n",
            "cases[0] (c1): no check, neither its own nor the suite's",
        ),
    ],
)
def test_a_suite_that_would_test_nothing_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert any(line.endswith(f": {problem}") for line in problems(tmp_path, text))


@pytest.mark.parametrize("key", ["1", "on", "null", "2026-01-01"])
def test_a_key_that_yaml_does_not_read_as_text_is_one_more_unknown_key(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, f"name: a\n{key}: b\ncases: []\n")

    assert any("unknown key; known here: name, cases, checks" in line for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "name: a\ncases: [\n",
        "name: !!python/object:os.x {}\n",
        "name: &a [*a]\n",
        "name: a\0b\n",
        pytest.param("[" * 2000, id="deep"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="The suite is not YAML"):
        load_suite(write(tmp_path, text), tmp_path)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "name: a\ncases:\n  - {id: c1, input: a, expected: b, expected: c}\n"

    with pytest.raises(UsageError, match=r"mine.yaml, line 3: the key 'expected' stands twice"):
        load_suite(write(tmp_path, text), tmp_path)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("[]", "neither an object nor true or false"),
        ("{", "not JSON"),
        ('{"type": "text"}', "is not a JSON Schema"),
        ('{"items": {"$ref": "https://example.invalid/a"}}', "leads out of the file"),
    ],
)
def test_a_schema_file_that_cannot_be_used_is_named(tmp_path: Path, schema: str, reason: str) -> None:
    (tmp_path / "intent.json").write_text(schema)

    [found] = problems(tmp_path, GOOD)

    assert "checks[1]: json_schema: intent.json:" in found
    assert reason in found


def test_a_suite_that_is_gone_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="No such suite"):
        load_suite(tmp_path / "gone.yaml", tmp_path)


@pytest.mark.parametrize("word", ["no", "yes", "on", "2026-01-31", "007", "12:30", "1_000", "4.50", "true"])
def test_a_text_stays_as_it_was_written(tmp_path: Path, word: str) -> None:
    text = f"name: a\ncases: [{{id: {word}, input: {word}, expected: {word}, slices: {{s: {word}}}}}]\n"

    loaded = load_suite(write(tmp_path, text + "checks: [{kind: exact}]\n"), tmp_path)

    assert loaded.suite.cases == [Case(word, word, word, slices={"s": word})]


def test_numbers_in_jsonl_are_texts_where_texts_are_meant(tmp_path: Path) -> None:
    text = '{"name": "a", "checks": [{"kind": "exact"}]}\n{"id": 7, "input": 8, "expected": true}\n'

    loaded = load_suite(write(tmp_path, text, "a.jsonl"), tmp_path)

    assert loaded.suite.cases == [Case("7", "8", "true")]


def test_an_expected_object_is_its_json_and_a_list_is_asked_about(tmp_path: Path) -> None:
    text = "name: a\nchecks: [{kind: exact}]\ncases:\n  - {id: c1, input: a, expected: {n: 1, no: no}}\n"

    loaded = load_suite(write(tmp_path, text), tmp_path)

    assert loaded.suite.cases == [Case("c1", "a", '{"n":1,"no":"no"}')]
    [found] = problems(tmp_path, text.replace("{n: 1, no: no}", "[a, b]"))
    assert "put further right answers into `alternatives`" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\ncases:\n\t- {id: c1}\n", "line 3, column 1: .* this line begins with a tab"),
        ("name: a\ncases:\n  - {id: c1}\n  input: a: b\n", "line 4"),
        ("name: how: so\n", "line 1, column 10: .* must stand in quotes"),
        ("name: &a [*a]\n", "line 1: an alias leads back to itself"),
    ],
)
def test_yaml_that_cannot_be_read_is_named_with_its_line_and_the_usual_cause(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=f"mine.yaml, {said}"):
        load_suite(write(tmp_path, text), tmp_path)


def test_aliases_that_stand_for_billions_of_values_are_refused(tmp_path: Path) -> None:
    rows = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)]

    with pytest.raises(UsageError, match="its aliases stand for more than"):
        load_suite(write(tmp_path, "a0: &a0 [x]\n" + "".join(rows)), tmp_path)


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes("name: a\nchecks: [{kind: exact, value: gr\u00fcn}]\n".encode("latin-1"))

    with pytest.raises(UsageError, match=r"mine.yaml, line 2: byte 0xfc is no UTF-8"):
        load_suite(path, tmp_path)


def test_the_same_mistake_in_every_case_is_not_listed_without_end(tmp_path: Path) -> None:
    cases = "".join(f"  - {{id: c{n}, inptu: a}}\n" for n in range(100))

    found = problems(tmp_path, f"name: a\nchecks: [{{kind: exact}}]\ncases:\n{cases}")

    assert len(found) == 6
    assert [line for line in found if "c2" in line] == [
        "mine.yaml:6: cases[2] (c2).inptu: unknown key; did you mean 'input'? (97 more like this)",
        "mine.yaml:6: cases[2] (c2).input: missing (97 more like this)",
    ]


def test_a_row_of_jsonl_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, '\n{"id": "c1", "input": "a", "expected": "b"}\n\n{"id": "c2"}\n', "a.jsonl")

    with pytest.raises(UsageError) as caught:
        load_suite(path, tmp_path)

    assert "a.jsonl:4: cases[1] (c2).input: missing" in caught.value.happened


def test_a_case_may_have_a_threshold_of_its_own(tmp_path: Path) -> None:
    text = "name: a\nchecks: [{kind: exact}]\ncases: [{id: c, input: a, expected: b, threshold: 2}]\n"

    assert "cases[0] (c).threshold: 2.0 is not between 0 and 1" in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"id": "c1", "input": "\\ud800"}', "half a character"),
        ('{"id": "c1", "input": "a", "metadata": ' + "[" * 5_000 + "]" * 5_000 + "}", "nested too deeply"),
        ('{"id": "c1", "id": "c2"}', "'id' stands twice"),
        ('{"id": "c1", "input": NaN}', "NaN is not JSON"),
    ],
)
def test_a_row_that_cannot_be_kept_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    text = f'{{"name": "a", "checks": [{{"kind": "exact"}}]}}\n{row}\n'

    with pytest.raises(UsageError, match=f"a.jsonl, line 2: .*{said}"):
        load_suite(write(tmp_path, text, "a.jsonl"), tmp_path)


def test_a_case_that_every_check_leaves_out_is_named(tmp_path: Path) -> None:
    text = "name: a\nchecks: [{kind: exact, only: [x]}]\ncases: [{id: c1, input: a, expected: b}]\n"

    assert "none of the checks counts for it; see their `only`" in problems(tmp_path, text)[0]


def test_a_huge_number_is_named(tmp_path: Path) -> None:
    text = f"name: a\nchecks: []\ncases: [{{id: c1, input: a, metadata: {{n: {'9' * 5000}}}}}]\n"

    with pytest.raises(UsageError, match="a number has 5,000 digits"):
        load_suite(write(tmp_path, text), tmp_path)


def test_a_case_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    long = "word " * 2_000_000
    text = f'name: a\nchecks: [{{kind: exact}}]\ncases:\n  - id: c1\n    input: "{long}"\n    expected: b\n'

    [case] = load_suite(write(tmp_path, text), tmp_path).suite.cases  # type: ignore[misc]  # listed above

    assert len(case.input) == len(long)


def test_keys_are_names_whatever_they_look_like(tmp_path: Path) -> None:
    text = (
        "name: a\nchecks: [{kind: exact}]\n"
        "cases: [{id: c, input: a, expected: b, metadata: {1: x, no: y, null: z, 2026-01-01: w}}]\n"
    )

    [case] = load_suite(write(tmp_path, text), tmp_path).suite.cases  # type: ignore[misc]  # listed above

    assert case.metadata == {"1": "x", "no": "y", "null": "z", "2026-01-01": "w"}


@pytest.mark.parametrize("kind", ["[exact]", "{a: b}", "null", "3", "!!set {a}", "2026-01-01"])
def test_a_kind_that_is_no_name_is_named(tmp_path: Path, kind: str) -> None:
    found = problems(tmp_path, f"name: a\nchecks: [{{kind: {kind}}}]\ncases: [{{id: c, input: a}}]\n")

    assert any("checks[0].kind: " in line for line in found)
