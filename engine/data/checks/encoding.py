"""Text that was read or written in the wrong encoding, and letters that nobody can see.

ftfy says what is mojibake (UTF-8 read as something else) and how it should read. Does not mend anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from engine.data.checks.contract import Kind
from store.records.data import Example
from store.records.findings import CheckSettings

MOJIBAKE, REPLACED, CONTROL = "encoding/mojibake", "encoding/replaced", "encoding/control"
INVISIBLE, ENTITIES = "encoding/invisible", "encoding/entities"
SHOWN_LETTERS = 30

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
# Joiners stand in many scripts and in emoji: they are odd only beside ASCII letters. So is the mark that
# turns the direction of writing, beside text that has only one.
_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u200b\u2028\u2029\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
    "|(?<=[A-Za-z])[\u200c\u200d]|[\u200c\u200d](?=[A-Za-z])"
)
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|hellip|[mn]dash|#\d{2,6}|#x[0-9a-fA-F]{2,5});"
)
_TAG = re.compile(r"</?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>|```")


def scans(settings: CheckSettings) -> Encoding:
    """The scan. Raises ImportError without ftfy."""
    return Encoding()


class Encoding:
    """What is wrong with the letters of a row."""

    kinds: tuple[Kind, ...] = (
        Kind(
            MOJIBAKE,
            "encoding",
            "warn",
            "{count} rows hold text read in the wrong encoding",
            "Read them right: temper data fix {dataset} --repair-encoding",
        ),
        Kind(
            REPLACED,
            "encoding",
            "warn",
            "{count} rows hold replacement characters: letters were lost",
            "Import again with --encoding, or: temper data fix {dataset} --drop encoding/replaced",
        ),
        Kind(
            CONTROL,
            "encoding",
            "warn",
            "{count} rows hold control characters",
            "Clean the source, or: temper data fix {dataset} --drop encoding/control",
        ),
        Kind(
            INVISIBLE,
            "encoding",
            "info",
            "{count} rows hold letters that nobody sees (no-break and zero-width spaces, marks)",
            "Replace them in the source if users do not write them.",
        ),
        Kind(
            ENTITIES,
            "encoding",
            "info",
            "{count} rows hold HTML entities in plain text",
            "Decode them in the source (&amp; is &), then import again.",
        ),
    )

    def __init__(self) -> None:
        from ftfy import fix_encoding
        from ftfy.badness import is_bad

        self._is_bad: Callable[[str], bool] = is_bad
        self._fix: Callable[[str], str] = fix_encoding

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """One note per kind: the first place where it shows."""
        text = whole_text(example)
        if match := _CONTROL.search(text):
            yield CONTROL, _named(text, match)
        if (match := _ENTITY.search(text)) and not _TAG.search(text):
            yield ENTITIES, around(text, match)
        if text.isascii():
            return
        if "\ufffd" in text:
            at = text.index("\ufffd")
            yield REPLACED, shown(text[max(0, at - SHOWN_LETTERS) : at + SHOWN_LETTERS])
        if match := _INVISIBLE.search(_FLAG.sub("", text)):
            yield INVISIBLE, _named(_FLAG.sub("", text), match)
        if note := self._mojibake(text):
            yield MOJIBAKE, note

    def _mojibake(self, text: str) -> str:
        """The first words that read better in another encoding, and how; empty where none do."""
        for line in text.splitlines():
            if line.isascii() or not self._is_bad(line):
                continue
            fixed = self._fix(line)
            if fixed != line:
                return _difference(line, fixed)
        return ""


def whole_text(example: Example) -> str:
    """All that is written in a row."""
    turns = [*example.messages, *example.rejected]
    calls = [call.arguments for turn in turns for call in turn.tool_calls]
    return "\n".join([example.text, *(turn.content for turn in turns), *calls])


def around(text: str, match: re.Match[str]) -> str:
    """A match and what stands beside it."""
    return shown(text[max(0, match.start() - SHOWN_LETTERS) : match.end() + SHOWN_LETTERS])


def shown(text: str) -> str:
    """A piece of text in one line, letters that do not print written as escapes."""
    text = " ".join(text.split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _named(text: str, match: re.Match[str]) -> str:
    letter = match[0]
    name = unicodedata.name(letter, "control character").lower()
    return f"U+{ord(letter):04X} ({name}) in {around(text, match)}"


def _difference(line: str, fixed: str) -> str:
    """The first word in which two readings of a line differ, with both."""
    for word, better in zip(line.split(), fixed.split(), strict=False):
        if word != better:
            return f"{shown(word)[:SHOWN_LETTERS]} reads {shown(better)[:SHOWN_LETTERS]}"
    return f"reads {shown(fixed)[:SHOWN_LETTERS]}"
