"""Assertions in JavaScript or Python that say no more than a check can: read, never run.

    output.includes('x')   output.toLowerCase().includes("x")   output === 'x'   output.length < 9
    output.startsWith('x')   output.endsWith('x')   /x/i.test(output)   JSON.parse(output).a.b === 1
    'x' in output   'x' in output.lower()   len(output) < 9   json.loads(output)["a"] == 1

Several may be joined by && or `and`, each may be turned around by ! or `not`. Of all else nothing is made.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from store.records.evals import Check

_TEXT = r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`$\\]*`)"""
_VALUE = rf"(?:{_TEXT}|(?P<bare>-?\d+(?:\.\d+)?|true|false|True|False))"
_OUTPUT = r"(?:String\(output\)|output)(?:\.trim\(\)|\.strip\(\))?"
_LOWER = rf"{_OUTPUT}(?P<lower>\.toLowerCase\(\)|\.lower\(\)|\.casefold\(\))?"
_JSON = r"(?:JSON\.parse\(output\)|json\.loads\(output\)|output)"
_FIELD = r"""(?P<path>(?:\??\.[A-Za-z_]\w*|\[['"][^'"\]]+['"]\])+)"""
_RETURN = re.compile(r"^\s*return\s+(.*?);?\s*$", re.DOTALL)


_BEYOND = re.compile(r"\|\||\bor\b|\?(?!\.)|=>")
_AND = re.compile(r"\s*&&\s*|\s+and\s+")


def checks_of(source: str) -> list[Check]:
    """The checks that a one-line script is; none where it says more than they could."""
    found = _RETURN.match(source)
    text = (found[1] if found else source).strip().removesuffix(";").strip()
    bare = re.sub(_TEXT, lambda literal: "_" * len(literal[0]), text)  # operators in texts are none
    if not text or "\n" in text or _BEYOND.search(bare):
        return []
    ends = [(0, 0), *(match.span() for match in _AND.finditer(bare)), (len(text), len(text))]
    parts = [text[end:start] for (_, end), (start, _) in pairwise(ends)]
    checks = [check for part in parts if (check := _check(part)) is not None]
    return checks if len(checks) == len(parts) else []


def _check(text: str) -> Check | None:
    turned = re.match(r"^(?:!(?!=)|not\s+)\s*(.*)$", text)
    plain = (turned[1] if turned else text).strip()
    while plain.startswith("(") and plain.endswith(")") and "(" not in plain[1:-1].split(")")[0]:
        plain = plain[1:-1].strip()
    for pattern, make in _FORMS:
        if match := re.fullmatch(pattern, plain):
            check = make(match)
            if check is not None and turned:
                check.negate = not check.negate
            return check
    return None


def _literal(match: re.Match[str]) -> Any:
    """The value that a match names; None where it cannot be read."""
    groups = match.groupdict()
    text = groups.get("text")
    if text is None:
        bare = {"true": "True", "false": "False"}.get(groups["bare"], groups["bare"])
        return ast.literal_eval(bare)
    if text.startswith("`"):
        return text[1:-1]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _contains(match: re.Match[str]) -> Check | None:
    value = _literal(match)
    if not isinstance(value, str) or not value.strip():
        return None
    if match.groupdict().get("lower"):
        # A text with capitals is in no text of small letters.
        return (
            Check("contains", options={"values": [value], "ignore_case": True})
            if value == value.lower()
            else None
        )
    return Check("contains", options={"values": [value]})


def _equals(match: re.Match[str]) -> Check | None:
    value = _literal(match)
    if not isinstance(value, str):
        return None
    return Check("exact", negate=match["sign"].startswith("!"), options={"value": value})


def _edge(match: re.Match[str]) -> Check | None:
    value = _literal(match)
    if not isinstance(value, str):
        return None
    escaped = re.escape(value)
    pattern = rf"\A{escaped}" if match["edge"].lower().startswith("starts") else rf"{escaped}\Z"
    return Check("regex", options={"value": pattern})


def _regex(match: re.Match[str]) -> Check | None:
    from engine.evals.checks.patterns import Pattern

    flags = match["flags"]
    if set(flags) - set("igmsu"):
        return None
    inline = "".join(flag for flag in "ms" if flag in flags)
    pattern = f"(?{inline}){match['pattern']}" if inline else match["pattern"]
    try:
        Pattern(pattern)
    except ValueError:
        return None
    return Check("regex", options={"value": pattern} | ({"ignore_case": True} if "i" in flags else {}))


def _length(match: re.Match[str]) -> Check | None:
    bound = int(match["bound"])
    least, most = {
        "<": (0, bound - 1),
        "<=": (0, bound),
        ">": (bound + 1, None),
        ">=": (bound, None),
    }[match["sign"]]
    if most is not None and most < 0:
        return None
    limits = {"min": least} if most is None else {"max": most}
    return Check("length", options={**limits, "unit": "characters"})


def _field(match: re.Match[str]) -> Check | None:
    value = _literal(match)
    names = re.findall(r"\.([A-Za-z_]\w*)|\[['\"]([^'\"\]]+)['\"]\]", match["path"])
    path = [first or second for first, second in names]
    if value is None or any("." in name for name in path) or path[-1] == "length":
        return None
    right: Any = value
    for name in reversed(path):
        right = {name: right}
    options = {"value": msgspec.json.encode(right).decode(), "fields": [".".join(path)]}
    return Check("json_fields", negate=match["sign"].startswith("!"), options=options)


_FORMS: tuple[tuple[str, Callable[[re.Match[str]], Check | None]], ...] = (
    (rf"{_LOWER}\.includes\(\s*{_TEXT}\s*\)", _contains),
    (rf"{_TEXT}\s+in\s+{_LOWER}", _contains),
    (rf"{_OUTPUT}\s*(?P<sign>[!=]==?)\s*{_TEXT}", _equals),
    (rf"{_OUTPUT}\.(?P<edge>starts[Ww]ith|ends[Ww]ith)\(\s*{_TEXT}\s*\)", _edge),
    (rf"/(?P<pattern>(?:[^/\\]|\\.)+)/(?P<flags>\w*)\.test\({_OUTPUT}\)", _regex),
    (rf"(?:{_OUTPUT}\.length|len\({_OUTPUT}\))\s*(?P<sign><=?|>=?)\s*(?P<bound>\d{{1,9}})", _length),
    (rf"{_JSON}{_FIELD}\s*(?P<sign>[!=]==?)\s*{_VALUE}", _field),
)
