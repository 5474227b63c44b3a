"""{{ variables }} filled in as promptfoo does: Nunjucks, by Jinja, whose grammar it follows.

A text comes from outside, so it is rendered in Jinja's sandbox and cut where it grows without end. What Jinja
does not understand stays as it was written, and is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from engine.data.importers import strict_json

MOST_LETTERS = 5_000_000
DEPTH = 3
"""Variables may hold variables; deeper than that they are taken as they stand."""

_WRONG = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What a template may raise that does not fit its variables."""
Say = Callable[[str], None]


def filled(text: str, given: Mapping[str, Any], say: Say = lambda what: None) -> str:
    """`text` with its variables. `say` is told what could not be filled in."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return text
    import jinja2

    missing: list[str] = []
    try:
        template = _compiled(text)
        parts, letters = [], 0
        for part in template.generate({**given, LEFT: missing}):
            letters += len(part)
            if letters > MOST_LETTERS:
                raise ValueError(f"it grows beyond {MOST_LETTERS:,} letters")
            parts.append(part)
    except (jinja2.TemplateError, *_WRONG) as error:
        say(f"the template `{_short(text)}` stands as it is: {error}")
        return text
    except RecursionError:
        say(f"the template `{_short(text)}` stands as it is: nested too deeply")
        return text
    for name in dict.fromkeys(missing):
        say(f"`{{{{ {name} }}}}` is no variable of it: left empty")
    return "".join(parts)


def filled_in(value: Any, given: Mapping[str, Any], say: Say = lambda what: None) -> Any:
    """A value with every text in it filled in."""
    if isinstance(value, str):
        return filled(value, given, say)
    if isinstance(value, list):
        return [filled_in(one, given, say) for one in value]
    if isinstance(value, dict):
        return {key: filled_in(one, given, say) for key, one in value.items()}
    return value


def variables(given: Mapping[str, Any], say: Say = lambda what: None) -> dict[str, Any]:
    """Variables whose values name other ones, filled in; `say` is told once what could not be."""
    found, said = dict(given), dict[str, None]()
    for _ in range(DEPTH):
        after = {key: filled_in(value, found, said.setdefault) for key, value in found.items()}
        if after == found:
            break
        found = after
    for what in said:
        say(what)
    return found


def shown(value: Any) -> str:
    """A value as it stands in a prompt: texts bare, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return msgspec.json.encode(value).decode()


LEFT = "temper left empty"
"""Under this name, which no template can write, a rendering carries the list of what it left empty."""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:60]}…"


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    """A prompt is one for thousands of tests."""
    return _environment().from_string(text)


@cache
def _environment() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Nunjucks(ImmutableSandboxedEnvironment):
        def getattr(self, obj: Any, attribute: str) -> Any:
            """`list.length` is JavaScript's len()."""
            if attribute == "length" and isinstance(obj, str | list):
                return len(obj)
            return super().getattr(obj, attribute)

    def dump(value: Any, indent: int = 0) -> str:
        text = msgspec.json.encode(value)
        return (msgspec.json.format(text, indent=indent) if indent else text).decode()

    @jinja2.pass_context
    def finalized(context: Any, value: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            context[LEFT].append(str(value._undefined_name))
            return ""
        return shown(value)

    environment = Nunjucks(
        keep_trailing_newline=True, finalize=finalized, undefined=jinja2.ChainableUndefined
    )
    environment.filters |= {
        "dump": dump,
        "load": strict_json.decode,
        "nl2br": lambda text: str(text).replace("\n", "<br />\n"),
        "safe": lambda value: value,
    }
    return environment
