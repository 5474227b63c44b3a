"""What changes a case: its question makes another answer, its checks another verdict."""

from __future__ import annotations

import msgspec

from engine.evals.identity import case_hash, checks_hash, conversation, question, slices_of
from store.records.data import Message
from store.records.evals import Case, Check, ToolResult

CASE = Case("c", "How?", expected="So.", tags=["critical"], slices={"language": "de"})


def test_only_what_is_asked_changes_the_hash_of_a_case() -> None:
    same = msgspec.structs.replace(CASE, id="d", expected="Not so.", tags=[], metadata={"a": 1})
    assert case_hash(same) == case_hash(CASE)
    for other in (
        msgspec.structs.replace(CASE, input="Why?"),
        msgspec.structs.replace(CASE, turns=["And?"]),
        msgspec.structs.replace(CASE, tools=[{"name": "f"}]),
        msgspec.structs.replace(CASE, tool_results=[ToolResult("f", "1")]),
    ):
        assert case_hash(other) != case_hash(CASE)


def test_the_same_question_has_one_hash_however_it_is_written() -> None:
    written = Case("c", messages=[Message("system", "Be kind."), Message("user", "How?")])

    assert case_hash(written) == case_hash(Case("c", "How?", before=[Message("system", "Be kind.")]))
    assert question(written) == "How?"
    assert [one.role for one in conversation(written)] == ["system", "user"]


def test_what_is_expected_and_how_it_is_judged_changes_the_hash_of_the_checks() -> None:
    checks = [Check("exact")]
    now = checks_hash(CASE, checks)

    assert checks_hash(msgspec.structs.replace(CASE, expected="Yes."), checks) != now
    assert checks_hash(CASE, [Check("exact", threshold=0.5)]) != now
    assert checks_hash(msgspec.structs.replace(CASE, input="Why?"), checks) == now


def test_tags_and_named_values_are_slices() -> None:
    assert slices_of(CASE) == ["critical", "language=de"]
