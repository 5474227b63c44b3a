"""Answers that are meant to be JSON: against the schema that was named, or else against each other.

A declared schema is checked row by row, by the draft that its $schema names. Without one all answers are
compared: where nearly all are JSON the rest is odd, and so are keys and types that nearly all others do not
have. Does not know what an answer should say.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from engine.data.checks.contract import Basis, Kind, answer_of
from engine.data.checks.json_answers import looks_like_json, parse
from engine.data.checks.scanning import Hit
from engine.data.checks.settling import finding_of
from store.errors import UsageError
from store.records.data import Example
from store.records.findings import CheckSettings, Finding

MOSTLY = 0.8
"""Answers are meant to be JSON where this share of them begins as JSON does."""
RARE = 0.05
"""What fewer objects than this share have, or lack, is odd; between the two it is optional."""
FEWEST_OBJECTS = 10
"""Objects in one place of the answers that must be seen before one can be odd."""
FEW_FORMS = 8
"""More sets of keys than these in one place are different by design."""
DEEPEST = 6
SHOWN_LETTERS = 160

_DROP = "or: temper data fix {dataset} --drop "
NOT_JSON = Kind(
    "schema/not_json",
    "schema",
    "warn",
    "{count} answers are not JSON",
    f"Mend them in the source, {_DROP}schema/not_json",
)
INVALID = Kind(
    "schema/invalid",
    "schema",
    "warn",
    "{count} answers break the schema",
    f"Mend them in the source, {_DROP}schema/invalid",
)
KEYS = Kind(
    "schema/keys",
    "schema",
    "warn",
    "{count} answers have other keys than the rest",
    f"Give all answers the same keys, {_DROP}schema/keys",
)
TYPES = Kind(
    "schema/types",
    "schema",
    "warn",
    "{count} answers have values of another type than the rest",
    f"Give each key one type, {_DROP}schema/types",
)

Judge = Callable[[Any], str]


def scans(settings: CheckSettings) -> Declared:
    """The scan against the declared schema. Raises UsageError if it is none."""
    return Declared(settings.schema)


class Declared:
    """Every answer must be JSON that one schema accepts. Without one nothing is noted: see `agreement`."""

    kinds: tuple[Kind, ...] = (NOT_JSON, INVALID)

    def __init__(self, schema: str) -> None:
        self._judge = judge_of(schema) if schema else None

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """What is wrong with a row's answer."""
        if self._judge is None or not example.messages:
            return
        try:
            value = parse(answer_of(example))
        except ValueError as error:
            yield NOT_JSON.id, str(error)[:SHOWN_LETTERS]
            return
        if why := self._judge(value):
            yield INVALID.id, why[:SHOWN_LETTERS]


def judge_of(schema: str) -> Judge:
    """What applies a JSON Schema (as text) to a value. Raises UsageError where the text is none."""
    import jsonschema
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        parsed = json.loads(schema)
        kind = jsonschema.validators.validator_for(parsed, default=jsonschema.Draft202012Validator)
        kind.check_schema(parsed)
    except (ValueError, RecursionError) as error:
        raise _no_schema(f"It is not JSON: {error}.") from error
    except jsonschema.SchemaError as error:
        raise _no_schema(f"{error.json_path}: {error.message}.") from error
    # An empty registry: a $ref to elsewhere must not be fetched.
    validator = kind(parsed, registry=Registry())

    def judge(value: Any) -> str:
        try:
            worst = best_match(validator.iter_errors(value))
        except (Unresolvable, RecursionError) as error:
            raise _no_schema(f"It cannot be applied: {type(error).__name__}: {error}.") from error
        return f"{worst.json_path}: {worst.message}" if worst else ""

    return judge


def _no_schema(happened: str) -> UsageError:
    return UsageError(
        "That is no JSON Schema",
        happened,
        "Name a file with a JSON Schema that refers to nothing outside itself: --schema FILE",
    )


class _Place(msgspec.Struct):
    """All objects that stand at one path of the answers: by row, keys with the type of each value."""

    objects: list[tuple[int, dict[str, str]]] = []

    def forms(self) -> Counter[frozenset[str]]:
        """How many objects have which set of keys."""
        return Counter(frozenset(types) for _, types in self.objects)

    def usual(self) -> tuple[frozenset[str], int]:
        """The most frequent set of keys, and how many objects have it."""
        return self.forms().most_common(1)[0]

    def present(self) -> Counter[str]:
        """How many objects have each key."""
        return Counter(key for _, types in self.objects for key in types)

    def uniform(self) -> bool:
        """Whether a form was meant: some key is nearly always there, or most objects have the same keys."""
        total = len(self.objects)
        core = any(count >= (1 - RARE) * total for count in self.present().values())
        return core or self.usual()[1] > total / 2


def agreement(basis: Basis) -> Iterator[Finding]:
    """Without a declared schema: answers that differ from nearly all others. A set check."""
    if basis.settings.schema:
        return
    answers = {at: text for at, text in enumerate(basis.answers) if text.strip()}
    meant = [at for at, text in answers.items() if looks_like_json(text)]
    if len(meant) < FEWEST_OBJECTS or len(meant) < MOSTLY * len(answers):
        return
    broken: list[Hit] = []
    places: dict[str, _Place] = defaultdict(_Place)
    for at, text in answers.items():
        try:
            _gather(parse(text), "$", at, places, DEEPEST)
        except ValueError as error:
            broken.append(Hit(at, NOT_JSON.id, str(error)[:SHOWN_LETTERS]))
    if broken:
        yield finding_of(NOT_JSON, broken, basis)
    judged = {path: place for path, place in places.items() if _uniform(path, places)}
    keys = [hit for path, place in judged.items() for hit in _odd_keys(path, place)]
    types = [hit for path, place in judged.items() for hit in _odd_types(path, place)]
    yield from (finding_of(kind, hits, basis) for kind, hits in ((KEYS, keys), (TYPES, types)) if hits)


def _gather(value: Any, path: str, at: int, places: dict[str, _Place], depth: int) -> None:
    if depth == 0:
        return
    if isinstance(value, dict):
        places[path].objects.append((at, {key: _type(inner) for key, inner in value.items()}))
        for key, inner in value.items():
            _gather(inner, f"{path}.{key}", at, places, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, f"{path}[]", at, places, depth - 1)


def _uniform(path: str, places: dict[str, _Place]) -> bool:
    """Whether the objects at a place, and all around them, are meant to have the same keys.

    Answers to many questions with a form each share a key now and then; that makes no rule.
    """
    while path:
        place = places.get(path)
        if place is not None and not place.uniform():
            return False
        path = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
    return True


def _type(value: Any) -> str:
    """A value's type as JSON Schema names it; an integer is a number."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _odd_keys(path: str, place: _Place) -> Iterator[Hit]:
    """Objects that lack a key that nearly all have, have one that hardly any has, or have one for another."""
    total, forms = len(place.objects), place.forms()
    usual, most = place.usual()
    if total < FEWEST_OBJECTS or len(forms) == 1:
        return
    present = place.present()
    designed = len(forms) > FEW_FORMS and most < MOSTLY * total
    for at, types in place.objects:
        lacking = sorted(key for key in usual - types.keys())
        added = sorted(key for key in types.keys() - usual)
        renamed = bool(lacking and added) and not designed
        if not renamed:
            lacking = [key for key in present if present[key] >= (1 - RARE) * total and key not in types]
            added = [key for key in added if present[key] <= RARE * total and most >= (1 - RARE) * total]
        if lacking or added:
            yield Hit(at, KEYS.id, _difference(path, lacking, added))


def _difference(path: str, lacking: list[str], added: list[str]) -> str:
    parts = [
        f"lacks {', '.join(map(repr, lacking))}" if lacking else "",
        f"has {', '.join(map(repr, added))}" if added else "",
    ]
    where = "" if path == "$" else f"at {path}: "
    return (where + " and ".join(filter(None, parts)))[:SHOWN_LETTERS]


def _odd_types(path: str, place: _Place) -> Iterator[Hit]:
    """Objects with a value of a type that hardly any other has under that key."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, types in place.objects:
        for key, kind in types.items():
            counts[key][kind] += 1
    for at, types in place.objects:
        for key, kind in types.items():
            seen = counts[key]
            usual, most = seen.most_common(1)[0]
            # null is how a value that may be absent is written
            if kind in (usual, "null") or seen.total() < FEWEST_OBJECTS:
                continue
            if seen[kind] <= RARE * seen.total() or most >= MOSTLY * seen.total():
                yield Hit(at, TYPES.id, f"{path}.{key} is {kind}, elsewhere {usual}"[:SHOWN_LETTERS])
