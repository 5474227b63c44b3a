"""Passwords, PINs and unnamed keys: a value that the text itself calls a password, secret or token.

Talk about passwords is no password: the value must look like one, and placeholders are passed over.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

LEAST_BITS = 3.0  # per character: English words written once lie below, random keys above
SHORTEST_KEY = 16
_HINTS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "bearer",
    "auth",
    "kennwort",
    "contrase",
    "senha",
    "credential",
)
_PASSWORD = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|passwort|kennwort|mot de passe"
    r"|contraseña|senha)(?:\d|_\w{1,12})?"
    r"[\"'*`]{0,3}(?P<joint>\s{0,2}(?::=|=>|==?|:)\s{0,2}|\s(?:is|was|ist|est|es|is now"
    r"|to)\s?:?\s)(?P<value>\"[^\"\n]{4,128}\"|'[^'\n]{4,128}'"
    r"|`[^`\n]{4,128}`|[^\s\"'`,;<>]{4,128})"
)
_KEY = re.compile(
    r"(?:secret(?:[_\- ]?(?:access[_\- ]?)?(?:key|token))?|api[_\- ]?(?:key|token"
    r"|secret)|access[_\- ]?(?:key|token)"
    r"|auth[_\- ]?(?:key|token)|client[_\- ]?secret|bearer|refresh[_\- ]?token|private[_\- ]?key"
    r"|encryption[_\- ]?key|token"
    r"|credentials?)[\"'*`]{0,3}(?:\s{0,2}(?::=|=>|==?|:)\s{0,2}|\s(?:is|was)\s?:?\s|\s)[\"'`]{0,3}"
    r"(?P<value>[0-9a-z_\-+/=.~]{16,256})(?![0-9a-z_\-+/=~(\[])"
)
_PIN = re.compile(
    r"\b(?:pin|pin code|pin number|pincode|otp|one[\- ]time (?:code|password)|2fa code|verification code"
    r"|security pin)(?:\s(?:is|was)\s?:?|\s?[:=])\s?(\d{4,8})\b(?![.,/\-]\d)"
)
_PIN_HINTS = ("pin", "otp", "one-time", "one time", "2fa", "verification code")
_PLACEHOLDER = re.compile(
    r"[<{\[$%(].*|.*\$\{.*|[*x.•#\-_]+|your[_\- ]?.*|my[_\- ]?(?:password|secret).*|example.*"
    r"|change[_\- ]?me|redacted|hidden|none|null"
    r"|true|false|placeholder|password|passwd|secret|os\.environ.*|process\.env.*|.*\(.*|self\..*"
    r"|.*getenv.*|env\..*|config\..*|settings\..*"
)
_TRAILING = ".,!?:;)]}"


def passwords(reading: Reading) -> Iterator[Found]:
    """Values after password, secret, token, PIN and the like."""
    if reading.has(_HINTS):
        for match in _PASSWORD.finditer(reading.lower):
            yield from _password(reading, match)
        for match in _KEY.finditer(reading.lower):
            value = reading.text[match.start("value") : match.end("value")].rstrip(".=-")
            if looks_random(value) and not _PLACEHOLDER.fullmatch(value.lower()):
                begin = match.start("value")
                yield reading.found("api_key", begin, begin + len(value), 0.7)
    if reading.long_number and reading.has(_PIN_HINTS):
        for match in _PIN.finditer(reading.lower):
            yield reading.found("password", *match.span(1), 0.7, "PIN")


def looks_random(value: str) -> bool:
    """Whether a string of at least 16 characters looks drawn by chance: digits and letters,
    many different."""
    if len(value) < SHORTEST_KEY or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    return entropy(value) >= LEAST_BITS


def entropy(value: str) -> float:
    """Shannon's entropy of the characters of `value`, in bits per character; 0 for an empty one."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def _password(reading: Reading, match: re.Match[str]) -> Iterator[Found]:
    start, end = match.span("value")
    quoted = reading.text[start] in "\"'`"
    if quoted:
        start, end = start + 1, end - 1
    value = reading.text[start:end] if quoted else reading.text[start:end].rstrip(_TRAILING)
    spoken = match["joint"].strip(" :").isalpha()
    if len(value) < 4 or _PLACEHOLDER.fullmatch(value.lower()):
        return
    if _looks_chosen(value, spoken and not quoted):
        yield reading.found("password", start, start + len(value), 0.7)


def _looks_chosen(value: str, spoken: bool) -> bool:
    """Whether a value is one that somebody chose as a password: after "is" a word alone says nothing."""
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    symbols = any(not char.isalnum() and char not in "-_'\u2019./" for char in value)
    mixed = value not in (value.lower(), value.upper(), value.capitalize())
    if spoken:
        return (digits and letters) or (symbols and letters)
    return " " not in value and ((digits and len(value) >= 4) or symbols or mixed)
