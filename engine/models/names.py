"""What a model, variant or kept adapter may be called: a bare TOML key that is no path and no other word."""

from __future__ import annotations

import re

from store.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
RESERVED = ("last",)  # means the newest run wherever a variant is asked for


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be given."""
    if name in RESERVED:
        raise UsageError("That word is taken", f"{name!r} means the newest run.", "Choose another name.")
    if not _NAME.fullmatch(name):
        raise UsageError(
            "That cannot be a name",
            f"{name!r} has other characters than letters, digits, dash and underscore.",
            "Choose another one.",
        )
