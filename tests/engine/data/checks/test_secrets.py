"""The check for secrets: found in any turn, never repeated in the report."""

from __future__ import annotations

from engine.data.checks.secrets import KINDS, scans
from store.records.data import Example, Message
from store.records.findings import CheckSettings

SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"
KEY = "AKIAIOSFODNN7EXAMPLE"


def scan(text: str) -> dict[str, str]:
    example = Example("r", 1, [Message("user", text), Message("assistant", "ok")])
    return dict(scans(CheckSettings()).scan(example))


def test_keys_phrases_and_passwords_are_found_by_kind() -> None:
    assert scan(f"{KEY} and\n{SEED}\npassword: hunter2!x").keys() == {
        "secret/api_key",
        "secret/seed_phrase",
        "secret/password",
    }


def test_the_evidence_does_not_repeat_the_secret() -> None:
    notes = " ".join(scan(f"{KEY} and\n{SEED}\npassword: hunter2!x").values())
    assert not any(part in notes for part in (KEY, "hunter2", "winner", "sausage"))


def test_the_remedy_masks_secrets() -> None:
    assert {(kind.check, kind.severity) for kind in KINDS} == {("secret", "warn")}
    assert all(kind.remedy == "temper data fix {dataset} --mask secrets" for kind in KINDS)
