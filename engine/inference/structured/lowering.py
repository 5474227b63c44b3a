"""A JSON Schema in the words that llguidance has, meaning exactly the same, or a refusal by keyword.

What llguidance lacks is said otherwise: `oneOf` whose branches overlap, `not`, `if`, `dependencies`,
`propertyNames` and others become alternatives (docs/decisions/0018). References are resolved here, within the
schema and the drafts' own documents only: nothing is fetched. What a draft does not know asserts nothing.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Any

import referencing
import referencing.exceptions
import referencing.jsonschema
from jsonschema_specifications import REGISTRY  # the drafts themselves, as files

from engine.inference.structured.dialect import (
    ASSERTED,
    LOCAL_REFERENCES,
    Draft,
    Schema,
    draft_of,
    named_draft,
)
from engine.inference.structured.keywords import Keywords
from engine.inference.structured.lowered import (
    Lowered,
    any_of,
    has_finite,
)
from engine.inference.structured.negation import NotNegated, negate
from engine.inference.structured.refusal import NothingSatisfies, Place, SchemaRefused, pointer

Resolver = Any  # referencing's resolver has a private type

MOST_NODES = 20_000
"""Parts of the lowered schema: alternatives of alternatives multiply."""


class LoweredSchema:
    """The outcome: `schema` for llguidance, and `notes` on what asserts nothing though it may seem to.

    `doubtful` is the refusal of a `oneOf` that was left to llguidance, which may yet see that no two of its
    branches can hold at once. `place` takes a part of the schema instead of all of it.
    """

    def __init__(self, schema: Schema, place: Place = ()) -> None:
        self.draft = draft_of(schema)
        lowering = Lowering(schema, self.draft)
        self.schema = lowering.document(place)
        self.notes = lowering.notes
        self.doubtful = lowering.doubtful


class Lowering:
    """The work on one schema: its references, its definitions so far, and how large it became."""

    def __init__(self, schema: Schema, draft: Draft) -> None:
        self.root = schema
        self.known: dict[str, Lowered] = {}
        self.notes: list[str] = []
        self.doubtful: SchemaRefused | None = None
        self.words = frozenset(draft.VALIDATORS)  # the keywords that assert something in this draft
        self.counts_multiples = False  # whether `multipleOf` stands somewhere
        self._alone = draft in LOCAL_REFERENCES
        self._names: dict[tuple[str, int], str] = {}
        self._kept: list[Any] = []  # keeps what `_names` knows by its identity
        self._nodes = 0
        self.draft = draft
        self._uri = draft.META_SCHEMA["$schema"]
        self._specification = referencing.jsonschema.specification_with(self._uri)

    def document(self, place: Place) -> Lowered:
        """The whole schema, or the part at `place`. Raises SchemaRefused."""
        try:
            return self._document(place)
        except RecursionError as error:
            raise SchemaRefused(
                "$ref", place, "its references lead too deep, one behind the other.", "Make it flatter."
            ) from error

    def _document(self, place: Place) -> Lowered:
        resource = self._specification.create_resource(self.root)
        registry = REGISTRY.with_resource("", resource)
        resolver = registry.resolver_with_root(resource)
        if place:
            schema = self.reference(pointer(place, whole=True), resolver, place, ())
        else:
            schema = self.lower(self.root, resolver, (), ())
        if schema is False or not has_finite(schema, self.known):
            raise NothingSatisfies
        if isinstance(schema, bool) or not self.known:
            return schema
        return {**schema, "$defs": self.known}

    def lower(self, schema: Schema, resolver: Resolver, place: Place, chain: tuple[str, ...]) -> Lowered:
        """`schema` at `place`; `chain` holds the references that lead here without going into a value."""
        if isinstance(schema, bool):
            return schema
        self.count(place)
        if named_draft(schema.get("$schema", self._uri)) is not self.draft:
            raise SchemaRefused(
                "$schema", (*place, "$schema"), "it is another draft than the whole schema's."
            )
        resolver = resolver.in_subresource(self._specification.create_resource(schema))
        if self._alone and "$ref" in schema:
            return self.reference(schema["$ref"], resolver, (*place, "$ref"), chain)
        part = Keywords(self, schema, resolver, place, chain)
        for keyword in schema:
            if keyword in self.words:
                part.take(keyword)
            elif keyword in ASSERTED:
                self.note(f"{keyword!r} is of another draft than the schema: it asserts nothing.")
        return part.result()

    def reference(self, ref: str, resolver: Resolver, place: Place, chain: tuple[str, ...]) -> Lowered:
        try:
            found = resolver.lookup(ref)
        except (referencing.exceptions.Unresolvable, ValueError, RecursionError) as error:
            raise SchemaRefused(
                "$ref",
                place,
                f"{ref!r:.200} is not in the schema; nothing is fetched from elsewhere.",
                "Put what it refers to into the schema's $defs.",
            ) from error
        if isinstance(found.contents, bool):
            return found.contents
        if not isinstance(found.contents, dict):
            raise SchemaRefused("$ref", place, f"{ref!r:.200} leads to something that is no schema.")
        key = (str(found.resolver._base_uri), id(found.contents))
        if key not in self._names:
            name = self._names[key] = f"d{len(self._names)}"
            self._kept.append(found.contents)
            self.known[name] = self.lower(found.contents, found.resolver, place, (*chain, name))
        elif self._names[key] in chain:
            raise SchemaRefused(
                "$ref", place, f"{ref!r:.200} refers to itself without a value between.", "Break the circle."
            )
        name = self._names[key]
        known = self.known.get(name)
        return known if isinstance(known, bool) else {"$ref": f"#/$defs/{name}"}

    def dynamic(
        self, keyword: str, schema: dict[str, Any], resolver: Resolver, place: Place, chain: tuple[str, ...]
    ) -> Lowered:
        """A reference that goes by who refers: followed where only one part of the schema can be meant."""
        ref, place = schema[keyword], (*place, keyword)
        if keyword == "$recursiveRef":  # the root of a document; every `$id` makes one
            meant = [one for one in self._objects if one is self.root or "$id" in one]
        else:
            meant = [one for one in self._objects if one.get("$dynamicAnchor") == ref.removeprefix("#")]
        with contextlib.suppress(referencing.exceptions.Unresolvable, ValueError):
            if len(meant) == 1 and resolver.lookup(ref).contents is meant[0]:
                return self.reference(ref, resolver, place, chain)
        raise SchemaRefused(keyword, place, "it depends on which schema refers to it.", "Use a $ref.")

    @cached_property
    def _objects(self) -> list[dict[str, Any]]:
        """All that can be a part of the schema: each object that bears a name."""
        left: list[Any] = [self.root]
        found: list[dict[str, Any]] = []
        for value in left:
            inner = value.values() if isinstance(value, dict) else value
            left += [one for one in inner if isinstance(one, dict | list)]
            if isinstance(value, dict) and (value is self.root or {"$id", "$dynamicAnchor"} & value.keys()):
                found.append(value)
        return found

    def count(self, place: Place, nodes: int = 1) -> None:
        """Have so many parts more. Raises SchemaRefused where they are too many."""
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            words = (part for part in reversed(place) if isinstance(part, str))
            raise SchemaRefused(
                next(words, "$schema"),
                place,
                f"it becomes more than {MOST_NODES:,} parts.",
                "Use fewer alternatives.",
            )

    def negated(self, schema: Lowered, within: Lowered, keyword: str, place: Place) -> Lowered:
        """What does not satisfy `schema`. Raises SchemaRefused for `keyword`."""
        try:
            ways = negate(schema, within, self.known)
        except NotNegated as error:
            raise SchemaRefused(
                keyword, place, f"what it excludes cannot be said, because of {error.keyword!r} in it."
            ) from error
        self.count(place, _size(ways))
        return any_of(ways)

    def note(self, text: str) -> None:
        """Remember something for people, once."""
        if text not in self.notes:
            self.notes.append(text)


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 0
