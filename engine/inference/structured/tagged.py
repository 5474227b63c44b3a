"""Arguments of a call as named values, one behind the other: their grammar, and reading them again.

Strings stand as they are, without escapes, so only what can be said of such strings is followed: a list of
values, a length. What else a schema asks of them, or of the whole object, has no form here (NotTagged), and
the tool is called in another form. Schemas are lowered ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from engine.inference.structured.call_form import Tagged
from engine.inference.structured.grammar import json_rule, lark_text
from engine.inference.structured.lowered import Lowered, own_values, target, types_of
from engine.inference.structured.negation import quoted

NOT_IN_KEYS = "<>=:,\n"
_OBJECT = {"type", "properties", "required", "additionalProperties", "$defs"}
_STRING = {"type", "minLength", "maxLength", "enum", "const"}
_SCALAR = frozenset(("integer", "fraction", "boolean"))


class NotTagged(Exception):
    """A keyword that named values cannot follow."""

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword
        super().__init__(keyword)


class TaggedArguments:
    """The arguments by `schema` in the words of `form`. Raises NotTagged.

    Only listed properties are written, in one order: fewer spellings than the schema allows, and none that it
    does not.
    """

    def __init__(self, schema: Lowered, form: Tagged) -> None:
        self.form = form
        whole = schema if isinstance(schema, dict) else {}
        self._known: dict[str, Lowered] = whole.get("$defs", {})
        if whole.keys() == {"$ref", "$defs"}:
            found = target(whole, self._known)
            whole = found if isinstance(found, dict) else {}
        strange = sorted(whole.keys() - _OBJECT)
        if strange:
            raise NotTagged(strange[0])
        self._values: dict[str, Lowered] = {
            key: value for key, value in whole.get("properties", {}).items() if value is not False
        }
        self._required = set(whole.get("required", ()))
        if self._required - self._values.keys():
            raise NotTagged("required")
        if any(letter in NOT_IN_KEYS for key in self._values for letter in key) or "" in self._values:
            raise NotTagged("properties")
        for value in self._values.values():
            self._value(value)

    def rules(self, name: str, literal: Callable[[str], str]) -> list[str]:
        """The rule `name`, and those that it needs. `literal` writes a text in the grammar's words."""
        form, keys = self.form, sorted(self._values) if self.form.in_order else list(self._values)
        empty = "" if self._required else literal(form.empty) or '""'
        heads = [way for way in (empty, f"{literal(form.opening)} {name}_0" if keys else "") if way]
        rules = [f"{name}: {' | '.join(heads)}"]
        for at, key in enumerate(keys):
            last, optional = at == len(keys) - 1, key not in self._required
            pair = f"{literal(key)} {literal(form.middle)} {name}_v{at}"
            skip = f" | {name}_{at + 1}" if optional and not last else ""
            rules.append(f"{name}_{at}: {pair} {'' if last else f'{name}_t{at + 1}'}{skip}")
            skipped = ' | ""' if last else f" | {name}_t{at + 1}"
            tail = "" if last else f"{name}_t{at + 1}"
            rules.append(f"{name}_t{at}: {literal(form.joint)} {pair} {tail}{skipped if optional else ''}")
            rules += self._value_rules(f"{name}_v{at}", self._values[key], literal)
        return [*rules[:1], *(rule for rule in rules[1:] if not rule.startswith(f"{name}_t0:"))]

    def read(self, text: str) -> tuple[dict[str, Any], str]:
        """The arguments at the beginning of `text`, and what is behind them. Raises ValueError."""
        form, found = self.form, dict[str, Any]()
        if not text.startswith(form.opening) or not self._values:
            if not text.startswith(form.empty):
                raise ValueError("its arguments do not begin as they should")
            return found, text.removeprefix(form.empty)
        rest = text.removeprefix(form.opening)
        while True:
            key, met, rest = rest.partition(form.middle)
            if not met or key not in self._values or key in found:
                raise ValueError(f"it has no argument {key!r:.40}, or has it twice")
            found[key], rest = self._read(self._values[key], rest)
            if not form.joint or not rest.startswith(form.joint):
                return found, rest
            rest = rest.removeprefix(form.joint)

    def _value(self, value: Lowered) -> tuple[dict[str, Any] | None, bool]:
        """What a string must satisfy (None where the value is none), and whether null stands for it too."""
        types = types_of(value, self._known)
        while isinstance(value, dict) and value.keys() == {"$ref"} and target(value, self._known) is not True:
            value = target(value, self._known)
        if "string" not in types:
            if self.form.quotes[0] and not types <= _SCALAR | {"null"}:
                raise NotTagged("type")
            return None, "null" in types
        if not types <= {"string", "null"} or not isinstance(value, dict):
            raise NotTagged("type")
        plain = value
        if set(value) <= {"anyOf", "oneOf"} and len(value) == 1:
            ways = [way for way in next(iter(value.values())) if "string" in types_of(way, self._known)]
            plain = ways[0] if len(ways) == 1 and isinstance(ways[0], dict) else value
        strange = sorted(plain.keys() - _STRING)
        if strange:
            raise NotTagged(strange[0])
        listed = own_values(plain)
        if listed is not None and {"minLength", "maxLength"} & plain.keys():
            raise NotTagged("minLength")
        if listed and any(self.form.string_end in one for one in listed if isinstance(one, str)):
            raise NotTagged("enum")
        return plain, "null" in types

    def _value_rules(self, name: str, value: Lowered, literal: Callable[[str], str]) -> list[str]:
        form = self.form
        plain, null = self._value(value)
        closing = literal(form.closing)
        words = [lark_text(form.words[2])] if null else []
        if plain is None:
            types = types_of(value, self._known)
            if types <= {"boolean", "null"}:
                listed = own_values(value) if isinstance(value, dict) else None
                words += [
                    lark_text(word)
                    for said, word in zip((True, False), form.words[:2], strict=True)
                    if "boolean" in types and (listed is None or any(one is said for one in listed))
                ]
                return [f"{name}: ({' | '.join(words)}) {closing}"]
            schema = {**value, "$defs": self._known} if isinstance(value, dict) and self._known else value
            return [json_rule(schema, f"{name}_json"), f"{name}: {name}_json {closing}"]
        listed = own_values(plain)
        opening, ending = literal(form.quotes[0]), literal(form.quotes[1])
        bare = f" | {words[0]} {closing}" if words else ""
        if listed is not None:
            strings = " | ".join(literal(one) or '""' for one in listed if isinstance(one, str))
            return [f"{name}: {opening} ({strings}) {ending} {closing}{bare}"]
        span = f"{{{plain.get('minLength', 0)},{plain.get('maxLength', '')}}}"
        inside = f"(?s:.*){''.join(map(quoted, form.string_end))}(?s:.*)"
        text = f"(/(?s:.){span}/ & ~/{inside}/)"
        if literal(form.string_end) != lark_text(form.string_end):  # ended by a token, which no text holds
            rules = [f"{name.upper()}: /(?s:.){span}/"]
            return [*rules, f"{name}: {opening} {name.upper()} {ending} {closing}{bare}"]
        behind = closing if form.quotes[1] else ""
        rules = [f"{name.upper()}: {text} {lark_text(form.string_end)}"]
        return [*rules, f"{name}: {opening} {name.upper()} {behind}{bare}"]

    def _read(self, value: Lowered, rest: str) -> tuple[Any, str]:
        form = self.form
        plain, null = self._value(value)
        word = form.words[2] + form.closing
        if null and rest.startswith(word):
            return None, rest.removeprefix(word)
        if plain is not None:
            if not rest.startswith(form.quotes[0]):
                raise ValueError("a string does not begin as it should")
            text, met, behind = rest.removeprefix(form.quotes[0]).partition(form.string_end)
            if not met:
                raise ValueError("a string does not end")
            return text, behind.removeprefix(form.closing) if form.quotes[1] else behind
        for said, told in zip((True, False), form.words[:2], strict=True):
            if rest.startswith(told + form.closing):
                return said, rest.removeprefix(told + form.closing)
        rest = rest.lstrip(" \t\r\n")
        found, end = json.JSONDecoder().raw_decode(rest)
        if not rest.startswith(form.closing, end):
            raise ValueError("a value does not end as it should")
        return found, rest[end + len(form.closing) :]
