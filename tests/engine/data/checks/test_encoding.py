"""Mojibake, lost letters, letters that nobody sees."""

# ruff: noqa: RUF001  # letters of many scripts are what is tested

from __future__ import annotations

import pytest

from engine.data.checks.encoding import scans
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import chat, notes

SCAN = scans(CheckSettings())


def kinds(text: str) -> set[str]:
    return {hit.kind for hit in notes(SCAN, chat("a question", text))}


@pytest.mark.parametrize("word", ["café", "Müller", "naïve “quotes”", "città"])
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_utf8_read_as_a_western_encoding_is_mojibake(word: str, wrong: str) -> None:
    text = f"The {word} is open."
    broken = text.encode().decode(wrong, errors="replace")
    assert "encoding/mojibake" in kinds(broken) or "\ufffd" in broken


@pytest.mark.parametrize(
    "text",
    [
        "Das Café in Zürich",
        "Où est l’hôtel ?",
        "Ça coûte 5 €",
        "日本語です",
        "שלום",
        "emoji 👩‍👩‍👧 here",
        "x → y",
    ],
)
def test_proper_text_of_any_script_is_no_mojibake(text: str) -> None:
    assert kinds(text) == set()


def test_the_note_says_how_it_should_read() -> None:
    note = notes(SCAN, chat("q", "The cafÃ© is open."))[0].note
    assert "café" in note


def test_replacement_characters_and_control_characters_are_found() -> None:
    assert kinds("lost \ufffd letter") == {"encoding/replaced"}
    assert kinds("a\x00b") == {"encoding/control"}
    assert kinds("red \x1b[31m text") == {"encoding/control"}
    assert kinds("tabs\tand\r\nlines") == set()


def test_invisible_letters_are_told_by_name() -> None:
    hits = notes(SCAN, chat("q", "zero\u200bwidth"))
    assert [hit.kind for hit in hits] == ["encoding/invisible"]
    assert "U+200B" in hits[0].note
    assert kinds("no\u00a0break") == {"encoding/invisible"}


def test_joiners_belong_to_persian_and_emoji_and_not_between_latin_letters() -> None:
    assert kinds("می\u200cخواهم") == set()
    assert kinds("pay\u200cpal") == {"encoding/invisible"}


def test_entities_are_found_in_plain_text_and_left_alone_in_markup() -> None:
    assert kinds("Tom &amp; Jerry") == {"encoding/entities"}
    assert kinds("<p>Tom &amp; Jerry</p>") == set()
    assert kinds("AT&T; or R&D") == set()
