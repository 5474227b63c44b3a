"""What makes a case the same case: hashes of what is asked and of how it is judged; its slices.

A change of the question makes another `case_hash`: its answer must be made anew. A change of the expected
answer or of a check changes `checks_hash` alone: the answer that is there can be judged again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from store.hashing import sha256_of_text
from store.records.data import Message
from store.records.evals import Case, Check

DIGITS = 16


def conversation(case: Case) -> list[Message]:
    """What is asked first: a case's messages, or the turns before its question and the question."""
    return case.messages or [*case.before, Message("user", case.input)]


def question(case: Case) -> str:
    """The question as people know it: the last thing that a user says before the first answer."""
    asked = [one.content for one in conversation(case) if one.role == "user"]
    return asked[-1] if asked else ""


def case_hash(case: Case) -> str:
    """Of all that decides an answer, besides the variant and the seed."""
    chosen = [case.choices, case.per_byte] if case.choices else []
    return _hash([conversation(case), case.turns, case.tools, case.tool_results, *chosen])


def checks_hash(case: Case, checks: Sequence[Check], files: Sequence[str] = ()) -> str:
    """Of all that decides a verdict, besides the answer; `files` are hashes of what the checks read."""
    expected = [case.expected, case.alternatives, case.expected_sources, case.expected_tool_calls]
    bound = [] if case.threshold is None else [case.threshold]
    return _hash([expected, list(checks), *bound, *files])


def slices_of(case: Case) -> list[str]:
    """A case's tags, and `name=value` of its slices, each once."""
    named = [f"{name}={value}" for name, value in case.slices.items()]
    return list(dict.fromkeys([*case.tags, *named]))


def _hash(value: object) -> str:
    return sha256_of_text(msgspec.json.encode(value, order="deterministic").decode())[:DIGITS]
