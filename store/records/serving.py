"""How a running server is found: the content of `.temper/server.json` (mode 0600)."""

from __future__ import annotations

import msgspec


class ServerFile(msgspec.Struct):
    """`url` is loopback, without a trailing slash; `variant_sha256` identifies what is loaded."""

    url: str
    token: str
    pid: int
    variant: str
    variant_sha256: str
