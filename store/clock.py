"""Times and ids as they are written to files. One place, so that tests can hold the clock still."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-01-31T10:00:00.000Z`."""
    moment = moment or now()
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse(text: str) -> datetime:
    """The moment that `stamp` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def new_id(kind: str) -> str:
    """`train-20260131-100000-3fa9`: sorts by time, is short enough to type a prefix of, does not collide."""
    return f"{kind}-{now().strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
