"""The check for personal data: every text of a row, one finding per kind, masked evidence."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from engine.data.checks.pii import KINDS, scans
from engine.data.checks.registry import ROW_SCANS
from engine.data.checks.scanning import make_scans, scan_batch
from engine.data.privacy.detector import Detector
from engine.data.privacy.found import PII, Found
from store.records.data import Example, Message, ToolCall
from store.records.findings import CheckSettings


def row(*turns: Message, **more: object) -> Example:
    return Example("r", 1, list(turns), **more)  # type: ignore[arg-type]  # a test names fields as it likes


def scan(example: Example) -> dict[str, str]:
    return dict(scans(CheckSettings()).scan(example))


def test_each_kind_is_a_finding_of_its_own_with_masked_evidence() -> None:
    found = scan(
        row(Message("user", "I am bob@corp.com, card 4111 1111 1111 1111"), Message("assistant", "ok"))
    )
    assert found == {"pii/email": "b***@***.com", "pii/card": "Visa 41***11"}


def test_the_answer_the_system_message_and_tool_arguments_are_searched_too() -> None:
    call = ToolCall("send", '{"to": "c@corp.com"}')
    found = scan(
        row(
            Message("system", "write to a@corp.com"),
            Message("user", "hi"),
            Message("assistant", "to b@corp.com", tool_calls=[call]),
        )
    )
    assert found == {"pii/email": "a***@***.com, b***@***.com, c***@***.com"}


def test_texts_and_rejected_endings_are_searched() -> None:
    assert scan(row(text="call (212) 555-0123")).keys() == {"pii/phone"}
    rejected = [Message("assistant", "ask a@corp.com")]
    assert scan(row(Message("user", "q"), Message("assistant", "a"), rejected=rejected)).keys() == {
        "pii/email"
    }


def test_secrets_are_another_checks_matter() -> None:
    assert scan(row(Message("user", "password: hunter2!x"), Message("assistant", "ok"))) == {}


def test_every_kind_warns_and_says_how_to_mask() -> None:
    assert {kind.id for kind in KINDS} == {f"pii/{name}" for name in PII}
    assert {kind.severity for kind in KINDS} == {"warn"}
    assert all(kind.remedy.endswith("--mask pii") for kind in KINDS)


def test_many_finds_are_summed_up() -> None:
    text = " ".join(f"{letter}@corp.com" for letter in "abcdefg")
    assert scan(row(text=text))["pii/email"].endswith(" and 4 more")


def test_a_row_is_searched_once_for_personal_data_and_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Message("assistant", "password: Tr0ub4dor&3")
    rows = [row(Message("user", f"mail {n}@corp.com"), secret) for n in range(3)]
    searched: list[str] = []
    find_many = Detector.find_many

    def counted(self: Detector, texts: Iterable[str]) -> list[list[Found]]:
        searched.extend(texts := list(texts))
        return find_many(self, texts)

    monkeypatch.setattr(Detector, "find_many", counted)
    entries = [entry for entry in ROW_SCANS if entry.checks[0] in ("pii", "secret")]
    found = scan_batch(rows, make_scans(entries, CheckSettings()))
    assert sorted({hit.kind for hit in found.hits}) == ["pii/email", "secret/password"]
    assert len(searched) == 6
