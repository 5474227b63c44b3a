"""Suites in YAML: read, found by name, or refused with everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evals.suite import find_suite, load_suite
from store.errors import ExitCode, MissingError, UsageError
from store.records.evals import CasesFrom

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
        "mine.yaml: cases[0] (c1).checks[0].kind: there is no check 'exat'; did you mean 'exact'?",
        "mine.yaml: cases[1] (c2).inptu: unknown key; did you mean 'input'?",
        "mine.yaml: cases[1] (c2).input: missing",
        "mine.yaml: cases[2]: expected a table, got str",
        "mine.yaml: checks[0].valeu: unknown key; did you mean 'value'?",
        "mine.yaml: nam: unknown key; did you mean 'name'?",
        "mine.yaml: name: missing",
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
    assert f"checks[1]: none.json: there is no such file in {tmp_path}/evals or {tmp_path}" in found[0]
    assert "cases[0] (c1).checks[0]: '(a' is not a pattern" in found[1]
    assert "cases: the id 'c1' stands 2 times" in found[2]
    assert "cases[0] (c1): `exact` has nothing to compare with; add `expected`" in found[3]
    assert "cases[1] (c1): `exact` has nothing" in found[4]


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
    assert f"mine.yaml: {problem}" in problems(tmp_path, text)


@pytest.mark.parametrize("key", ["1", "on", "null", "2026-01-01"])
def test_a_key_that_yaml_does_not_read_as_text_is_one_more_unknown_key(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, f"name: a\n{key}: b\ncases: []\n")

    assert any("unknown key; known here: name, cases, checks" in line for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "name: a\ncases: [\n",
        "name: 2026-13-45\n",
        "name: !!python/object:os.x {}\n",
        pytest.param("[" * 2000, id="deep"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="The suite is not YAML"):
        load_suite(write(tmp_path, text), tmp_path)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "name: a\ncases:\n  - {id: c1, input: a, expected: b, expected: c}\n"

    with pytest.raises(UsageError, match=r"(?s)the key 'expected' stands twice.*line 3"):
        load_suite(write(tmp_path, text), tmp_path)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("[]", "neither an object nor true or false"),
        ("{", "not JSON"),
        ('{"type": "text"}', "is not a JSON Schema"),
        ('{"items": [{"$ref": "https://example.invalid/a"}]}', "leads out of the file"),
    ],
)
def test_a_schema_file_that_cannot_be_used_is_named(tmp_path: Path, schema: str, reason: str) -> None:
    (tmp_path / "intent.json").write_text(schema)

    [found] = problems(tmp_path, GOOD)

    assert "checks[1]: intent.json:" in found
    assert reason in found


def test_a_suite_is_found_by_name_by_file_and_by_path(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    here = tmp_path / "elsewhere"
    here.mkdir()

    for reference in ("mine", "evals/mine.yaml", str(path), "../evals/mine.yaml"):
        assert find_suite(tmp_path, reference, here) == path.resolve()


def test_a_file_where_the_user_stands_goes_before_one_of_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    here = tmp_path / "elsewhere"
    near = write(tmp_path, GOOD, "../elsewhere.yaml").rename(tmp_path / "near.yaml")
    (here / "evals").mkdir(parents=True)
    near = near.rename(here / "evals" / "mine.yaml")

    assert find_suite(tmp_path, "evals/mine.yaml", here) == near.resolve()


def test_an_unknown_suite_is_answered_with_those_there_are_and_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "intents.yaml")
    write(tmp_path, GOOD, "tone.yml")

    with pytest.raises(MissingError, match="No such suite") as caught:
        find_suite(tmp_path, "intent")

    assert caught.value.exit_code == ExitCode.MISSING
    assert "evals/ holds intents.yaml, tone.yml. Did you mean evals/intents.yaml?" in caught.value.happened


def test_without_any_suite_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="evals/ holds none"):
        find_suite(tmp_path, "mine")


def test_a_suite_that_is_gone_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="No such suite"):
        load_suite(tmp_path / "gone.yaml", tmp_path)
