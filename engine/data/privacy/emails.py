"""E-mail addresses, also written as `name [at] host [dot] com`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

MOST_LOCAL = 64  # octets before the @, RFC 5321
_LOCAL = re.compile(r"[\w!#$%&'*+=?^`{|}~.\-]+\Z")
_HOST = re.compile(
    r"(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+(?:xn--[a-z0-9\-]{2,59}|[^\W\d_]{2,24})(?![\w\-]*@)", re.I
)
_SPELT = re.compile(
    r"[\w.+\-]{1,64}\s?[\[({]\s?at\s?[\])}]\s?[\w\-]{1,63}(?:\s?(?:[\[({]\s?dot\s?[\])}]|\.)\s?[a-z\-]{2,24}){1,3}",
    re.I,
)
_QUOTES = "'\"`={}|*(,;:"
_FILES = {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html", "map"}
_NO_PEOPLE = {"git"}


def emails(reading: Reading) -> Iterator[Found]:
    """Addresses with a host whose last label is made of letters."""
    text = reading.text
    at = text.find("@")
    while at > 0:
        local = _LOCAL.search(text, max(0, at - MOST_LOCAL), at)
        host = _HOST.match(text, at + 1)
        if local and host:
            start = at - len(local.group().lstrip(_QUOTES + ".").rpartition("=")[2])
            name, last = text[start:at].strip("."), host.group().rpartition(".")[2].lower()
            is_login = text[start - 1 : start] == ":" and "://" in text[max(0, start - MOST_LOCAL) : start]
            if name and name.lower() not in _NO_PEOPLE and last not in _FILES and not is_login:
                yield reading.found("email", start, host.end(), 1.0)
        at = text.find("@", at + 1)
    if ("[" in text or "(" in text or "{" in text) and reading.has(
        ("at]", "at)", "at}", "at ]", "at )", "at }")
    ):
        for spelt in _SPELT.finditer(text):
            yield reading.found("email", *spelt.span(), 0.8)
