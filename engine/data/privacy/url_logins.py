"""Logins that stand inside a URL: `postgres://user:password@host`, also in connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

_LOGIN = re.compile(
    r"://(?P<login>[^\s/:@\"'<>]{0,128}:(?P<password>[^\s@\"'<>]{1,256}))@[\w.\-\[\]:%]{1,255}"
)
_QUERY = re.compile(
    r"[?&](?:access_token|api_key|apikey|key|token|password|secret|sig|signature"
    r"|x-amz-signature)=(?P<value>[^\s&\"'<>#]{8,512})"
)
_PLACEHOLDERS = {
    "password",
    "passwd",
    "pass",
    "pwd",
    "pw",
    "secret",
    "user",
    "username",
    "token",
    "changeme",
    "your_password",
}


def url_logins(reading: Reading) -> Iterator[Found]:
    """User and password before the @ of a URL, and keys among its parameters."""
    text = reading.text
    if "://" not in text:
        return
    if "@" in text:
        for match in _LOGIN.finditer(text):
            password = match["password"]
            if (
                password.lower() not in _PLACEHOLDERS
                and password[0] not in "${%*[("
                and not password.isspace()
            ):
                yield reading.found("credentials", *match.span("login"), 0.9)
    if "=" in text and ("?" in text or "&" in text):
        for match in _QUERY.finditer(reading.lower):
            value = reading.text[match.start("value") : match.end("value")]
            if value[0] not in "<{$%[(" and any(map(str.isdigit, value)) and len(set(value)) >= 6:
                yield reading.found("credentials", *match.span("value"), 0.7)
