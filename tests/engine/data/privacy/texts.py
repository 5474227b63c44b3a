"""Texts for the tests of detectors: any text at all, and texts with private things put in."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.data.privacy.detector import Detector
from engine.data.privacy.found import Found

ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
PRIVATE = [
    "bob.smith@example.co.uk",
    "+44 7700 900123",
    "(212) 555-0123",
    "4111 1111 1111 1111",
    "GB29 NWBK 6016 1331 9268 19",
    "81.2.69.142",
    "00:1B:44:11:3A:B7",
    "460-89-9847",
    "my name is Ada Lovelace",
    "742 Evergreen Terrace, Springfield, IL 62704",
    "born on 12 March 1985",
    ADDRESS,
    "AKIAIOSFODNN7EXAMPLE",
    "password: hunter2!x",
    "postgres://app:s3cr3tPw@db.local:5432/x",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
]

any_text = st.text(max_size=300)
ascii_soup = st.text(alphabet="0123456789 +-().@:/abcAB\"'{}[],=\n\\_#", max_size=200)
private_text = st.lists(st.one_of(st.sampled_from(PRIVATE), st.text(max_size=20)), max_size=6).map(" ; ".join)


def find(text: str) -> list[Found]:
    """Everything in a text."""
    return Detector().find(text)


def kinds(text: str) -> list[str]:
    """The kinds of what is in a text, in order."""
    return [found.kind for found in find(text)]


def texts(text: str, kind: str) -> list[str]:
    """What is found of one kind."""
    return [found.text for found in find(text) if found.kind == kind]
