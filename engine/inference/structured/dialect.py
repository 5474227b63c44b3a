"""Which draft of JSON Schema a schema is written in, and whether it is a schema at all.

Drafts 4, 6, 7, 2019-09 and 2020-12 by `$schema`; without one the newest whose rules it follows. Bounded: a
schema that is too deep or too large is refused first. Knows nothing of grammars.
"""

from __future__ import annotations

from typing import Any

from jsonschema import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from jsonschema.protocols import Validator

from engine.inference.structured.metaschema import mistake_in
from engine.inference.structured.refusal import Place, SchemaRefused

Schema = dict[str, Any] | bool
Draft = type[Validator]

DRAFTS: dict[str, Draft] = {
    "http://json-schema.org/draft-04/schema": Draft4Validator,
    "http://json-schema.org/draft-06/schema": Draft6Validator,
    "http://json-schema.org/draft-07/schema": Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": Draft201909Validator,
    "https://json-schema.org/draft/2020-12/schema": Draft202012Validator,
}
WITHOUT_SCHEMA: tuple[Draft, ...] = (Draft202012Validator, Draft7Validator, Draft4Validator)
LOCAL_REFERENCES: tuple[Draft, ...] = (Draft4Validator, Draft6Validator, Draft7Validator)
"""In these a `$ref` stands alone: what is beside it does not count."""
ASSERTED = frozenset(word for draft in DRAFTS.values() for word in draft.VALIDATORS) - {
    "exclusiveMinimum",
    "exclusiveMaximum",
}
"""Keywords that assert something in one draft or another; draft 4 has these two within others."""
MOST_DEEP = 64
"""Levels of a schema in JSON; each costs the checking some ten calls."""
MOST_VALUES = 100_000
"""Values in a schema's JSON, of enums too."""
MOST_OBJECTS = 5_000
"""Objects in a schema's JSON: putting them into a grammar's words takes up to a millisecond each."""


def draft_of(schema: Any) -> Draft:
    """The draft that `schema` is checked by. Raises SchemaRefused when it is too large, or no schema."""
    check_size(schema)
    if not isinstance(schema, dict | bool):
        raise SchemaRefused("$schema", (), f"a schema is an object or true or false, not {schema!r:.80}.")
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if named is None:
        candidates = WITHOUT_SCHEMA
    else:
        known = named_draft(named)
        if known is None:
            raise SchemaRefused(
                "$schema",
                ("$schema",),
                f"{named!r} is no draft that is known here.",
                f"Known: {', '.join(DRAFTS)}.",
            )
        candidates = (known,)
    refusal: SchemaRefused | None = None
    for draft in candidates:
        problem = problem_as(schema, draft)
        if problem is None:
            return draft
        refusal = refusal or problem
    assert refusal is not None  # there is a candidate
    raise refusal


def named_draft(uri: Any) -> Draft | None:
    """The draft that a `$schema` names, by `http` or `https`, with `#` or without."""
    plain = str(uri).removesuffix("#")
    return DRAFTS.get(plain.replace("https://json-schema.org/draft-", "http://json-schema.org/draft-"))


def problem_as(schema: Schema, draft: Draft) -> SchemaRefused | None:
    """What is wrong with `schema` by the rules of `draft`; None when nothing is."""
    try:
        error = mistake_in(schema, draft)
    except RecursionError:
        return SchemaRefused("$schema", (), "the schema is nested too deeply to be checked.")
    if error is None:
        return None
    place: Place = tuple(error.absolute_path)
    keyword = next((str(part) for part in reversed(place) if isinstance(part, str)), "$schema")
    return SchemaRefused(keyword, place, f"{error.message[:300]}.", "Mend the schema.")


def check_size(schema: Any) -> None:
    """Raise SchemaRefused for a schema that is nested too deeply or too large."""
    level: list[tuple[Place, Any]] = [((), schema)]
    values = objects = 0
    for _ in range(MOST_DEEP + 1):
        following: list[tuple[Place, Any]] = []
        for place, value in level:
            _check_text(value, place)
            if isinstance(value, dict):
                objects += 1
                following += [((*place, key), child) for key, child in value.items()]
            elif isinstance(value, list):
                following += [((*place, at), child) for at, child in enumerate(value)]
        values += len(level)
        if objects > MOST_OBJECTS:
            raise _too_much(level, f"the schema has more than {MOST_OBJECTS:,} objects.", "Make it smaller.")
        if values + len(following) > MOST_VALUES:
            raise _too_much(
                following, f"the schema has more than {MOST_VALUES:,} values.", "Make it smaller."
            )
        if not following:
            return
        level = following
    raise _too_much(level, f"the schema is nested more than {MOST_DEEP} levels deep.", "Make it flatter.")


def _check_text(value: Any, place: Place) -> None:
    """Refuse half of a surrogate pair, which no text can hold, in a string or a key."""
    for text in (value,) if isinstance(value, str) else value if isinstance(value, dict) else ():
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            keyword = next((str(part) for part in place if isinstance(part, str)), "$schema")
            raise SchemaRefused(keyword, place, "it holds half of a surrogate pair, which is no text.")


def _too_much(level: list[tuple[Place, Any]], why: str, remedy: str) -> SchemaRefused:
    place = level[0][0]
    keyword = next((str(part) for part in place if isinstance(part, str)), "$schema")
    return SchemaRefused(keyword, place, why, remedy)
