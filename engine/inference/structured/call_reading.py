"""The form of calls read off a chat template: calls with made-up names are rendered and looked at.

What stands between those names is the template's own: nothing here knows a family by its name. A template
that writes calls in another way than a name and a JSON object, or named values, has no form here.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from engine.inference.structured.call_form import (
    DEFAULT,
    ID,
    MAYBE_ID,
    NUMBER,
    THOUGHT_BEGIN,
    THOUGHT_END,
    CallForm,
    Fragment,
    Tagged,
)
from engine.models.chat import render_chat
from store.errors import UsageError
from store.records.data import Message, ToolCall

_NAMES = ("temper_first", "temper_second", "temper_third")
_KEYS, _VALUES = ("temper_key", "temper_other"), ("temper_value", "temper_more")
_NUMBERS = (7531, 8642)
_LEAST_END = 4
"""Letters of what ends a string that stands as it is: text must not hold it by accident."""
_IDS = ("tempercaA", "tempercaB", "tempercaC")
_SAID = "Qtempersaid"
_ASKED = Message("user", "temper?")
_TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "description": "", "parameters": {"type": "object", "properties": {}}},
    }
    for name in _NAMES
]
_THOUGHTS = re.compile(r".*(?:</think>|<\|END_THINKING\|>|\[/THINK\])", re.DOTALL)
_HALF_TAG = re.compile(r"(?:<[^<>\s]*|\[[A-Z_]*)$")
_TAG = re.compile(r"<[^<>\s]{2,60}>|\[[A-Z_]{3,40}\]|[^\s{\[\"]{8,}")


class _Call(NamedTuple):
    """Where a call's name and arguments stand in a turn: begin and end of each."""

    name: tuple[int, int]
    arguments: tuple[int, int]


@lru_cache(maxsize=16)
def call_form(template: str, stops: tuple[str, ...] = ()) -> CallForm:
    """The form in which a model with this chat template writes calls. `stops`: texts that end its answers."""
    reading = _Reading(template, stops)
    found = reading.json_form() or reading.tagged_form() or DEFAULT
    return msgspec.structs.replace(
        found, told=found is not DEFAULT and reading.tells, thought=reading.thought()
    )


class _Reading:
    """One template, rendered in several ways."""

    def __init__(self, template: str, stops: Sequence[str]) -> None:
        self._template = template
        self._stops = [stop for stop in stops if stop]
        asked = self._render([_ASKED], prompt=True)
        self._prompt = asked
        self.tells = _NAMES[0] in asked

    def _render(self, messages: list[Message], prompt: bool = False) -> str:
        """The conversation as text; empty when the template refuses it."""
        try:
            return render_chat(self._template, messages, add_generation_prompt=prompt, tools=_TOOLS)
        except UsageError:
            return ""

    def _turn(self, arguments: Sequence[dict[str, Any]]) -> str:
        """An assistant's turn that calls a tool for each of `arguments`, without what is not the call's."""
        calls = [
            ToolCall(name, json.dumps(one), id_)
            for name, one, id_ in zip(_NAMES, arguments, _IDS, strict=False)
        ]
        written = self._render([_ASKED, Message("assistant", "", calls)])
        said = self._render([_ASKED, Message("assistant", _SAID)])
        if not written or not said:
            return ""
        shared = _HALF_TAG.sub("", _common_prefix(written, said))
        turn = _THOUGHTS.sub("", written[len(shared) :])
        return self._without_end(turn, said.rpartition(_SAID)[2]).lstrip("\n")

    def _without_end(self, turn: str, end: str) -> str:
        """A turn without what ends every turn, or an answer."""
        turn = turn.removesuffix(end) if end else turn
        ends = [at for stop in self._stops if (at := turn.find(stop)) > 0]
        return turn[: min(ends)] if ends else turn

    def thought(self) -> Literal["", "may", "open"]:
        """Whether answers begin inside a thought, or may begin with one."""
        head, begun, rest = self._prompt.rpartition(THOUGHT_BEGIN)
        if begun and head.count(THOUGHT_END) <= head.count(THOUGHT_BEGIN) and not rest.strip():
            return "open"
        return "may" if THOUGHT_BEGIN in self._template else ""

    def json_form(self) -> CallForm | None:
        """The form with JSON objects as arguments; None where that is not how calls are written."""
        arguments = [{_KEYS[0]: f"{_VALUES[0]}{name}"} for name in _NAMES]
        one = self._turn(arguments[:1])
        single = _json_calls(one, arguments[:1])
        if not single:
            return None
        pieces, joint = _pieces(one, single), None
        for count in (3, 2):  # some templates take no third, or close their list behind each but the first
            many = self._turn(arguments[:count])
            several = _json_calls(many, arguments[:count])
            of_many = _pieces(many, several) if several else pieces
            joint = _unified(of_many.joints) if of_many.joints else None
            if joint is not None:
                pieces = of_many if of_many.after.startswith(pieces.after) else pieces
                break
        between = _unified(pieces.betweens)
        if between is None:
            return None
        before = _counted(_fragment(pieces.before), joint)
        name_first = single[0].name < single[0].arguments
        return CallForm(before, between, joint, _ended(pieces.after), _marker(before[0]), name_first)

    def tagged_form(self) -> CallForm | None:
        """The form with named values as arguments; None where that is not how calls are written."""
        empty, words = self._values([{}]), self._values([dict(zip(_KEYS, _VALUES, strict=True))])
        numbers = self._values([dict(zip(_KEYS, _NUMBERS, strict=True))])
        if not (empty and words and numbers) or empty.before != words.before:
            return None
        after = _common_suffix(numbers.ended, empty.ended)
        closing = numbers.ended.removesuffix(after)
        if numbers.joint[: len(closing)] != closing or not numbers.middle:
            return None
        quotes = (
            words.middle.removeprefix(numbers.middle),
            words.ended.removesuffix(after).removesuffix(closing),
        )
        tagged = Tagged(
            opening=numbers.opening,
            middle=numbers.middle,
            closing=closing,
            joint=numbers.joint[len(closing) :],
            empty=empty.ended.removesuffix(after),
            quotes=quotes,
            words=self._words(),
            in_order=self._values([{_KEYS[1]: 1234, _KEYS[0]: 5678}]) is None,
        )
        if words.joint != quotes[1] + numbers.joint or bool(quotes[0]) != bool(quotes[1]):
            return None
        if not tagged.joint or len(tagged.string_end) < _LEAST_END:
            return None  # a quotation mark of one letter would need escapes
        joint = self._between(numbers.before, closing)
        return CallForm((words.before,), (), joint, _ended(after), _marker(words.before), tagged=tagged)

    def _between(self, before: str, closing: str) -> Fragment | None:
        """What stands between two calls with named values; None where there is never a second."""
        turn = self._turn([dict(zip(_KEYS, _NUMBERS, strict=True))] * 2)
        rest = turn.partition(before + _NAMES[0])[2].partition(str(_NUMBERS[1]))[2]
        between, found, _ = rest.removeprefix(closing).partition(_NAMES[1])
        return (between,) if found else None

    def _values(self, arguments: Sequence[dict[str, Any]]) -> _Values | None:
        """What stands around the named values of a call; None where they do not stand there in order."""
        turn = self._turn(arguments)
        parts = [_NAMES[0], *(str(part) for pair in arguments[0].items() for part in pair)]
        found, rest = list[str](), turn
        for part in parts:
            text, met, rest = rest.partition(part)
            if not met:
                return None
            found.append(text)
        if any(part in rest for part in parts):
            return None
        before, opening, middle, joint, again = [*found, "", "", "", ""][:5]
        return _Values(before, opening, middle, joint, rest) if middle == again else None

    def _words(self) -> tuple[str, str, str]:
        """How true, false and null are written as values."""
        turn = self._turn([{_KEYS[0]: True, _KEYS[1]: None}])
        return ("True", "False", "None") if "True" in turn else ("true", "false", "null")


class _Values(NamedTuple):
    before: str
    opening: str
    middle: str
    joint: str
    ended: str


class _Pieces(NamedTuple):
    before: str
    betweens: list[str]
    joints: list[str]
    after: str


def _pieces(turn: str, calls: list[_Call]) -> _Pieces:
    """What stands around the names and arguments of a turn."""
    spans = [sorted(call) for call in calls]
    betweens = [turn[first[1] : second[0]] for first, second in spans]
    joints = [turn[one[1][1] : other[0][0]] for one, other in itertools.pairwise(spans)]
    return _Pieces(turn[: spans[0][0][0]], betweens, joints, turn[spans[-1][1][1] :])


def _json_calls(turn: str, arguments: Sequence[dict[str, Any]]) -> list[_Call]:
    """The calls of a turn; none where not each has its name once and its arguments as a JSON object."""
    found = []
    for name, wanted in zip(_NAMES, arguments, strict=False):
        bare = turn.replace(f"{_VALUES[0]}{name}", "\1" * len(f"{_VALUES[0]}{name}"))
        at, span = bare.find(name), _object_in(turn, wanted)
        if bare.count(name) != 1 or span is None:
            return []
        found.append(_Call((at, at + len(name)), span))
    order = [span for call in found for span in sorted(call)]
    return found if order == sorted(order) else []


def _object_in(turn: str, wanted: dict[str, Any]) -> tuple[int, int] | None:
    """Where the JSON object `wanted` stands."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"\{", turn):
        try:
            value, end = decoder.raw_decode(turn, match.start())
        except ValueError:
            continue
        if value == wanted:
            return match.start(), end
    return None


def _fragment(text: str) -> Fragment:
    """`text` with holes for the ids in it."""
    ids = "|".join(_IDS)
    parts = re.split(f'(, "id": "(?:{ids})"|{ids})', text)
    holes = [ID if part in _IDS else MAYBE_ID if at % 2 else part for at, part in enumerate(parts)]
    return tuple(part for part in holes if part)


def _unified(texts: Sequence[str]) -> Fragment | None:
    """What texts of one place have in common: equal but for ids and counters; None where they are not."""
    fragments = [_fragment(text) for text in texts]
    if len(set(fragments)) == 1:
        return fragments[0]
    split = [[re.split(r"(\d+)", part) for part in fragment] for fragment in fragments]
    words = {json.dumps([part[::2] for part in one]) for one in split}
    if len(words) != 1:
        return None
    found: list[str] = []
    for part in zip(*split, strict=True):
        for at, word in enumerate(part[0]):
            same = len({one[at] for one in part}) == 1
            if same and found and found[-1] not in (ID, MAYBE_ID, NUMBER):
                found[-1] += word
            else:
                found.append(word if same else NUMBER)
    return tuple(part for part in found if part)


def _counted(before: Fragment, joint: Fragment | None) -> Fragment:
    """`before` with a hole where the later calls have a counter."""
    if joint is None or NUMBER not in joint:
        return before
    tail = joint[-1] if joint[-1] != NUMBER else ""
    match = re.fullmatch(rf"(.*?)\d+{re.escape(tail)}", before[-1], re.DOTALL)
    return (*before[:-1], *filter(None, (match[1], NUMBER, tail))) if match else before


def _ended(after: str) -> Fragment:
    """What ends the last call, without the white space behind it."""
    return _fragment(after.rstrip())


def _marker(before: str) -> str:
    """The beginning of a call that text has no cause to hold: a tag, or a long word."""
    match = _TAG.match(before.lstrip())
    return before[: len(before) - len(before.lstrip())] + match[0] if match and before else ""


def _common_prefix(one: str, other: str) -> str:
    differing = (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return one[: next(differing, min(len(one), len(other)))]


def _common_suffix(one: str, other: str) -> str:
    return _common_prefix(one[::-1], other[::-1])[::-1]
