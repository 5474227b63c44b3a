"""Suites with random faults, ours and promptfoo's: each is read, or refused by a titled error."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.evals.foreign import read_foreign
from engine.evals.suite import load_suite
from engine.evals.suite.writing import write_suite
from store.errors import TemperError

OURS = """name: support
epochs: 1
threshold: 0.8
checks:
  - kind: exact
    threshold: 0.85
    without: [out_of_scope]
  - {kind: json_schema, schema: {type: object}, name: s}
  - {kind: contains, values: [a, 1, no], all: false}
cases:
  - id: c1
    input: I lost my phone
    expected: Freeze the card.
    alternatives: [a, 2]
    slices: {language: en, n: 3}
    metadata: {a: 1, b: [x, {y: no}]}
    expected_sources: [faq.md, "terms.md:200-260"]
    tools: [{name: f, parameters: {type: object}}]
    tool_results: [{name: f, content: x, arguments: {a: 1}}]
    expected_tool_calls: [{name: freeze, arguments: {card: "1"}}]
    before: [{role: system, content: 5}]
    checks: [{kind: regex, value: a}]
  - {id: c2, messages: [{role: user, content: hi}], expected: {k: 1}}
"""
THEIRS = """prompts: ["{{q}} {{ n | upper }}", [{role: user, content: "{{q}}"}]]
defaultTest: {metadata: {team: a}, threshold: 0.5}
evaluateOptions: {repeat: 2}
tests:
  - description: one
    vars: {q: [a, b], n: no}
    options: {prefix: x, transform: y}
    assert:
      - {type: icontains, value: "{{q}}", weight: 2}
      - {type: regex, value: "^a"}
      - {type: is-json, value: {type: object}}
      - {type: assert-set, assert: [{type: latency, threshold: 5}]}
      - {type: javascript, value: "output.length < 9", metric: m}
scenarios:
  - config: [{vars: {q: c}}]
    tests: [{assert: [{type: similar, value: d, threshold: 0.9}]}]
"""
VALUES = (
    "null", "[]", "{}", "-1", "1e999", ".nan", "yes", "'x'", "[1, [2]]", "{a: {b: c}}", "&a [*a]", "*b", "<<",
    "2026-01-01", "!!binary aGk=", "!!set {a}", "!!python/name:os.system ''", "? x", '"\\ud800"', "9" * 50,
    "|\n   x",
)  # fmt: skip
SIGNS = "{}[]:,'\"\t&*!|>#%@`\0\u00e9\u2028"


def mutilated(text: str, chance: random.Random) -> str:
    """The text with one to four faults: values replaced, lines lost, doubled or moved, signs put in."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        match chance.randrange(5):
            case 0 if ":" in line:
                lines[at] = f"{line[: line.index(':') + 1]} {chance.choice(VALUES)}"
            case 1 if len(lines) > 1:
                lines.pop(at)
            case 2:
                lines.insert(at, line)
            case 3:
                lines[at] = " " * chance.randrange(7) + line.strip()
            case _ if line:
                place = chance.randrange(len(line))
                lines[at] = line[:place] + chance.choice(SIGNS) + line[place + 1 :]
    return "\n".join(lines)


def read_ours(path: Path) -> None:
    loaded = load_suite(path, path.parent)
    assert isinstance(loaded.suite.cases, list)
    for case in loaded.suite.cases:
        loaded.checks_of(case)


def read_theirs(path: Path) -> None:
    imported = read_foreign(path)
    written = path.with_name("written.yaml")
    write_suite(written, imported.suite, "\n".join(map(str, imported.left)), force=True)
    assert load_suite(written, path.parent).suite == imported.suite


@pytest.mark.parametrize(
    ("text", "read"), [(OURS, read_ours), (THEIRS, read_theirs)], ids=["ours", "promptfoo"]
)
def test_a_suite_with_faults_is_read_or_refused_by_a_titled_error(
    tmp_path: Path, text: str, read: Callable[[Path], None]
) -> None:
    chance = random.Random(7)
    path = tmp_path / "s.yaml"
    refused = 0
    for _ in range(120):
        path.write_bytes(mutilated(text, chance).encode(errors="replace"))
        try:
            read(path)
        except TemperError as error:
            assert all((error.title, error.happened, error.remedy))
            refused += 1

    assert 12 < refused < 120  # some faults are harmless, and some are not
