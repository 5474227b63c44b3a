"""Why a schema is not enforced: the keyword, its place, and what to do. Knows nothing of grammars."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from store.errors import UsageError

Place = tuple[str | int, ...]


class SchemaRefused(UsageError):
    """A schema that cannot be enforced: `keyword` is to blame, `place` is its JSON pointer."""

    def __init__(self, keyword: str, place: Place, why: str, remedy: str = "") -> None:
        self.keyword = keyword
        self.place = pointer(place)
        super().__init__(
            "The schema cannot be enforced",
            f"{keyword!r} at {self.place}: {why}",
            remedy or "Change or remove it: nothing is generated under a schema that is not enforced.",
        )


class NothingSatisfies(SchemaRefused):
    """A schema, or a part of it, that no finite answer can satisfy."""

    WHY = "no finite answer satisfies it"

    def __init__(self) -> None:
        super().__init__("$schema", (), f"{self.WHY}.", "Mend the schema.")


def pointer(place: Sequence[str | int], whole: bool = False) -> str:
    """A place as a JSON pointer in a fragment (RFC 6901), long ones shortened unless it must be `whole`."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in place]
    if whole:
        parts = [quote(part, safe="~") for part in parts]
    elif len(parts) > 24:
        parts = [*parts[:12], "...", *parts[-12:]]
    return "#" + "".join(f"/{part}" for part in parts)
