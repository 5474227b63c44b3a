"""The keywords of one schema object in the words that llguidance has: a method for each keyword.

One that has no method is refused by its name. Whole schemas and references are lowering.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.inference.structured import formats
from engine.inference.structured.dialect import Schema
from engine.inference.structured.lowered import (
    ALL_TYPES,
    Lowered,
    all_of,
    any_of,
    common_multiple,
    disjoint,
    named_types,
    type_words,
)
from engine.inference.structured.patterns import as_followed, pattern_problem
from engine.inference.structured.refusal import Place, SchemaRefused

if TYPE_CHECKING:
    from engine.inference.structured.lowering import Lowering, Resolver

MOST_OPTIONAL = 1_000
"""Optional keys of one object: each may follow each, and a step looks at all."""
MOST_MULTIPLE = 100_000
"""What a multiple can be of: a grammar keeps what is left over after each digit."""
COPIED = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) | {
    f"{end}{what}" for end in ("min", "max") for what in ("Length", "Items", "Properties")
}


class Keywords:
    """One schema object on its way: `base` is what llguidance has words for, `also` must hold besides."""

    def __init__(
        self,
        lowering: Lowering,
        schema: dict[str, Any],
        resolver: Resolver,
        place: Place,
        chain: tuple[str, ...],
    ) -> None:
        self.lowering, self.schema, self.resolver, self.place, self.chain = (
            lowering,
            schema,
            resolver,
            place,
            chain,
        )
        self.base: dict[str, Any] = {}
        self.also: list[Lowered] = []
        self._later: list[Callable[[], None]] = []

    def take(self, keyword: str) -> None:
        """Add a keyword. Raises SchemaRefused."""
        if keyword in COPIED:
            self.base[keyword] = self.schema[keyword]
            return
        way = getattr(self, f"_{keyword.lstrip('$')}", None)
        if way is None:
            raise self.refused(keyword, "no grammar can follow it.")
        way()

    def result(self) -> Lowered:
        """What came together."""
        for work in self._later:
            work()
        self._draft_4_bounds()
        whole = self.within()
        if self.lowering.counts_multiples:
            self._check_multiple(whole)
        return whole

    def refused(self, keyword: str, why: str, remedy: str = "") -> SchemaRefused:
        """A refusal of a keyword of this schema."""
        return SchemaRefused(keyword, (*self.place, keyword), why, remedy)

    def inner(self, schema: Schema, *steps: str | int) -> Lowered:
        """A schema of a value inside."""
        return self.lowering.lower(schema, self.resolver, (*self.place, *steps), ())

    def here(self, schema: Schema, *steps: str | int) -> Lowered:
        """A schema of the same value."""
        return self.lowering.lower(schema, self.resolver, (*self.place, *steps), self.chain)

    def within(self) -> Lowered:
        """What is known to hold here."""
        return all_of([self.base, *self.also])

    # values

    def _type(self) -> None:
        self.base["type"] = self.schema["type"]

    def _enum(self) -> None:
        values = self.schema["enum"]
        self._check_numbers(values, "enum")
        if not values:
            self.also.append(False)
        self.base["enum"] = values

    def _const(self) -> None:
        self._check_numbers(self.schema["const"], "const")
        self.also.append({"const": self.schema["const"]})

    def _check_numbers(self, value: Any, keyword: str) -> None:
        """Refuse whole numbers that llguidance would round: it reads those beyond 64 bits as floats."""
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                self._check_numbers(inner, keyword)
        elif isinstance(value, int) and abs(value) >= 2**63 and not _is_float(value):
            raise self.refused(keyword, f"{value:.2e} has more digits than can be followed exactly.")

    def _draft_4_bounds(self) -> None:
        """Draft 4's true beside a bound as the later drafts' number; there it is no keyword of its own."""
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if self.schema.get(exclusive) is True and bound in self.base:
                self.base[exclusive] = self.base.pop(bound)

    def _multipleOf(self) -> None:
        self.base["multipleOf"] = self.schema["multipleOf"]
        self.lowering.counts_multiples = True

    def _check_multiple(self, whole: Lowered) -> None:
        """Refuse what is a multiple of too much at once, whichever of its alternatives are taken."""
        found = common_multiple(whole, self.lowering.known)
        if found > MOST_MULTIPLE:
            raise self.refused("multipleOf", "it leaves more remainders than a grammar can follow.")
        if "multipleOf" in self.base:
            self.lowering.count((*self.place, "multipleOf"), found // 10)

    # strings

    def _pattern(self) -> None:
        self._check_pattern(self.schema["pattern"], "pattern")
        self.base["pattern"] = as_followed(self.schema["pattern"])

    def _check_pattern(self, pattern: str, *steps: str) -> None:
        problem = pattern_problem(pattern)
        if problem:
            raise SchemaRefused(
                steps[0],
                (*self.place, *steps),
                f"{pattern!r:.120}: {problem}.",
                "Write it without look-around, references back and word boundaries, or in a smaller form.",
            )

    def _format(self) -> None:
        name = self.schema["format"]
        if name in formats.KNOWN:
            self.base["format"] = name
        elif name in formats.PATTERNS:
            self.also.append({"pattern": as_followed(formats.PATTERNS[name])})
        elif name in formats.UNENFORCED and "string" in self._types():
            raise self.refused(
                "format", f"no grammar is known for {name!r}.", "Say it with a pattern, or remove it."
            )
        else:
            self.lowering.note(f"format {name!r} is no standard one: it asserts nothing.")

    # objects

    def _properties(self) -> None:
        properties = self.schema["properties"]
        optional = len(properties.keys() - set(self.schema.get("required") or ()))
        if optional > MOST_OPTIONAL:
            raise self.refused("properties", f"{optional:,} keys may come or not; {MOST_OPTIONAL} can.")
        self.base["properties"] = {
            key: self.inner(value, "properties", key) for key, value in properties.items()
        }

    def _patternProperties(self) -> None:
        for pattern in self.schema["patternProperties"]:
            self._check_pattern(pattern, "patternProperties", pattern)
        self.base["patternProperties"] = {
            as_followed(pattern): self.inner(value, "patternProperties", pattern)
            for pattern, value in self.schema["patternProperties"].items()
        }

    def _additionalProperties(self) -> None:
        self.base["additionalProperties"] = self.inner(
            self.schema["additionalProperties"], "additionalProperties"
        )

    def _required(self) -> None:
        if isinstance(self.schema["required"], list):
            self.base["required"] = list(dict.fromkeys(self.schema["required"]))

    def _propertyNames(self) -> None:
        """Keys by a pattern, where no other rule speaks of keys that are not listed."""
        names = self.inner(self.schema["propertyNames"], "propertyNames")
        if names is True:
            return
        if (
            isinstance(names, dict)
            and self.schema.get("patternProperties") is None
            and not self.schema.get("properties")
        ):
            rest = self.schema.get("additionalProperties", True)
            value = self.inner(rest, "additionalProperties")
            keys = _keys(names)
            if keys is not None:
                self.also.append({**keys(value), "additionalProperties": False})
                return
        if names is False:
            self.also.append(any_of([{"type": type_words(ALL_TYPES - {"object"})}, {"maxProperties": 0}]))
            return
        raise self.refused(
            "propertyNames", "keys can follow one pattern or list, beside no other properties."
        )

    def _dependencies(self) -> None:
        for key, value in self.schema["dependencies"].items():
            self._depends("dependencies", key, {"required": value} if isinstance(value, list) else value)

    def _dependentRequired(self) -> None:
        for key, value in self.schema["dependentRequired"].items():
            self._depends("dependentRequired", key, {"required": value})

    def _dependentSchemas(self) -> None:
        for key, value in self.schema["dependentSchemas"].items():
            self._depends("dependentSchemas", key, value)

    def _depends(self, keyword: str, key: str, schema: Schema) -> None:
        """Either the key is not there, or `schema` holds."""
        if isinstance(schema, str):  # draft 3's way, which draft 4's metaschema refuses
            schema = {"required": [schema]}
        then = self.here(schema, keyword, key)
        if then is not True and then != {"required": []}:
            absent: Lowered = {"type": "object", "properties": {key: False}}
            others: Lowered = {"type": type_words(ALL_TYPES - {"object"})}
            present: Lowered = {"type": "object", "required": [key]}
            self.also.append(any_of([others, absent, all_of([present, then])]))

    def _unevaluatedProperties(self) -> None:
        self._unevaluated("unevaluatedProperties", "additionalProperties", "additionalProperties")

    def _unevaluatedItems(self) -> None:
        tuples = isinstance(self.schema.get("items"), list)  # 2019-09's
        self._unevaluated("unevaluatedItems", "items", "additionalItems" if tuples else "items")

    def _unevaluated(self, keyword: str, plain: str, rest: str) -> None:
        """The plain keyword, where no other schema looks at the same value, and no `rest` at what is left."""
        if self.schema[keyword] is True or rest in self.schema:
            return
        others = {"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "contains"}
        if (others | {"dependentSchemas"}) & set(self.schema):
            raise self.refused(keyword, "it depends on what other schemas have looked at.", f"Use {plain!r}.")
        self.base[plain] = self.inner(self.schema[keyword], keyword)

    # arrays

    def _items(self) -> None:
        items = self.schema["items"]
        if not isinstance(items, list):
            lowered = self.inner(items, "items")
            if lowered is not True:
                self.base["items"] = lowered
            return
        self.base["prefixItems"] = [self.inner(item, "items", at) for at, item in enumerate(items)]
        rest = self.inner(self.schema.get("additionalItems", True), "additionalItems")
        if rest is not True:
            self.base["items"] = rest

    def _prefixItems(self) -> None:
        items = self.schema["prefixItems"]
        self.base["prefixItems"] = [self.inner(item, "prefixItems", at) for at, item in enumerate(items)]

    def _additionalItems(self) -> None:
        """Counts beside a list of `items` only, and there it is taken with them."""

    def _uniqueItems(self) -> None:
        one = self.schema.get("maxItems", 2) <= 1
        if self.schema["uniqueItems"] and not one and "array" in self._types():
            raise self.refused("uniqueItems", "a grammar cannot remember the items that there were.")

    def _contains(self) -> None:
        least, most = self.schema.get("minContains", 1), self.schema.get("maxContains")
        if "unevaluatedItems" not in self.lowering.words:  # before 2019-09 these two assert nothing
            least, most = 1, None
        if "array" in self._types() and (least > 0 or most is not None):
            raise self.refused("contains", "a grammar cannot count the items that fit.")

    def _types(self) -> frozenset[str]:
        return named_types(self.schema["type"]) if "type" in self.schema else ALL_TYPES

    # schemas of the same value

    def _ref(self) -> None:
        self.also.append(
            self.lowering.reference(self.schema["$ref"], self.resolver, (*self.place, "$ref"), self.chain)
        )

    def _dynamicRef(self) -> None:
        self.also.append(
            self.lowering.dynamic("$dynamicRef", self.schema, self.resolver, self.place, self.chain)
        )

    def _recursiveRef(self) -> None:
        self.also.append(
            self.lowering.dynamic("$recursiveRef", self.schema, self.resolver, self.place, self.chain)
        )

    def _allOf(self) -> None:
        self.also += [self.here(part, "allOf", at) for at, part in enumerate(self.schema["allOf"])]

    def _anyOf(self) -> None:
        self.also.append(
            any_of([self.here(part, "anyOf", at) for at, part in enumerate(self.schema["anyOf"])])
        )

    def _oneOf(self) -> None:
        self._later.append(self._one_of)

    def _one_of(self) -> None:
        """Each branch without the others that it could be taken for."""
        branches = [self.here(part, "oneOf", at) for at, part in enumerate(self.schema["oneOf"])]
        try:
            self.also.append(any_of([self._alone(branches, at) for at in range(len(branches))]))
        except SchemaRefused as refusal:
            self.lowering.doubtful = self.lowering.doubtful or refusal
            self.also.append({"oneOf": branches})

    def _alone(self, branches: list[Lowered], at: int) -> Lowered:
        whole = all_of([self.within(), branches[at]])
        parts: list[Lowered] = [branches[at]]
        for other in branches[:at] + branches[at + 1 :]:
            if not disjoint(whole, other, self.lowering.known):
                parts.append(self.lowering.negated(other, whole, "oneOf", (*self.place, "oneOf", at)))
        return all_of(parts)

    def _not(self) -> None:
        self._later.append(self._other_than)

    def _other_than(self) -> None:
        schema = self.here(self.schema["not"], "not")
        self.also.append(self.lowering.negated(schema, self.within(), "not", (*self.place, "not")))

    def _if(self) -> None:
        self._later.append(self._choose)

    def _choose(self) -> None:
        then, other = self.schema.get("then", True), self.schema.get("else", True)
        if then is True and other is True:
            return
        condition = self.here(self.schema["if"], "if")
        ways = [all_of([condition, self.here(then, "then")])]
        ways.append(
            all_of(
                [
                    self.lowering.negated(condition, self.within(), "if", (*self.place, "if")),
                    self.here(other, "else"),
                ]
            )
        )
        self.also.append(any_of(ways))


def _is_float(value: int) -> bool:
    """Whether a float is this very number, written with all its digits."""
    try:
        return int(float(value)) == value and "e" not in repr(float(value)).replace("e+", "")
    except OverflowError:
        return False


def _keys(names: dict[str, Any]) -> Callable[[Lowered], dict[str, Any]] | None:
    """How objects whose keys satisfy `names` are said, given what their values satisfy."""
    words = {
        key: value for key, value in names.items() if key != "type" or "string" not in named_types(value)
    }
    if set(words) == {"pattern"}:
        return lambda value: {"patternProperties": {words["pattern"]: value}}
    if set(words) == {"enum"}:
        keys = [key for key in words["enum"] if isinstance(key, str)]
        return lambda value: {"properties": dict.fromkeys(keys, value)}
    if words and set(words) <= {"minLength", "maxLength"}:
        span = f"{{{words.get('minLength', 0)},{words.get('maxLength', '')}}}"
        return lambda value: {"patternProperties": {f"^(?s:.){span}$": value}}
    return None
