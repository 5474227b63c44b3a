"""Front matter: YAML between two lines of dashes at the top of a text. What is no YAML is passed over."""

from __future__ import annotations

import datetime
import re
from typing import Any

import yaml

from engine.retrieval.document import Document
from engine.retrieval.readers.dates import iso_date

LONGEST = 20_000
"""Characters. More is no front matter."""
DATES = (
    *("updated", "last_updated", "date_updated", "lastmod", "modified", "last_modified", "date_modified"),
    *("date", "published", "date_published", "created", "date_created"),
)
"""Keys that say how old a document is, the newest first."""
TAGS = ("tags", "keywords", "categories")

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE)


def take_front_matter(document: Document) -> None:
    """Set what the front matter says of `document`, and where its text begins after it."""
    found = _FRONT_MATTER.match(document.text, 0, LONGEST)
    if found is None:
        return
    document.body = found.end()
    values = _parse(found[1])
    if values is None:
        title = _TITLE.search(found[1])
        document.title = title[1].strip("'\"") if title else ""
        return
    document.title = _scalar(values.pop("title", ""))
    dates = [values.get(key) for key in DATES if values.get(key)]
    document.date = next(filter(None, map(iso_date, dates)), "")
    document.tags = [tag for key in TAGS for tag in _listed(values.pop(key, None))]
    document.meta = {key: text for key, value in values.items() if (text := _scalar(value))}


def _parse(text: str) -> dict[str, Any] | None:
    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(loaded, dict):
        return None
    return {str(key): value for key, value in loaded.items()}


def _scalar(value: object) -> str:
    plain = isinstance(value, str | int | float | datetime.date)
    return str(value).strip() if plain else ""


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [tag for part in value.split(",") if (tag := part.strip())]
    return [tag for one in value if (tag := _scalar(one))] if isinstance(value, list) else []
