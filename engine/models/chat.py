"""Conversations become text by the model's own chat template, or by a recipe's plain template.

Training, evaluation and serving all render here: what was trained is what is asked. Does not tokenise.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.models.turns import FORMS, Tool, as_dicts
from store.errors import UsageError
from store.records.data import Message


def render_chat(
    template: str,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool,
    bos_token: str = "",
    eos_token: str = "",
    tools: Sequence[Tool] = (),
) -> str:
    """`messages` as the text the model was made for. Raises UsageError when the template refuses them.

    Templates differ in how they read a call's arguments: an object or JSON as text, with an empty content or
    none, some only with short ids. The first form in which every call is written is taken; where none is,
    the first form that is not refused. Without tools some read that there are none, others that nobody spoke
    of tools.
    """
    compiled = _compile(template)
    calls = [call for message in messages for call in message.tool_calls]
    written: str | None = None
    refusal: Exception | None = None
    ways: list[dict[str, Any]] = [{"tools": list(tools)}] if tools else [{"tools": None}, {}]
    for form, way in itertools.product(FORMS if calls else FORMS[:1], ways):
        try:
            text = compiled.render(
                messages=as_dicts(messages, form),
                add_generation_prompt=add_generation_prompt,
                bos_token=bos_token,
                eos_token=eos_token,
                **way,
            )
        except (jinja2.TemplateError, TypeError, KeyError, ValueError, AttributeError) as error:
            refusal = refusal or error
            continue
        if all(call.name in text for call in calls):
            return text
        written = text if written is None else written
    if written is not None or refusal is None:
        return written or ""
    raise refused(refusal) from refusal


def render_plain(template: str, prompt: str, completion: str = "") -> str:
    """`template` with `{prompt}` and `{completion}` filled in; without a completion it ends before it.

    Raises UsageError unless both placeholders are there, the prompt's first.
    """
    head, found, tail = template.partition("{completion}")
    if not found or "{prompt}" not in head:
        raise UsageError(
            "The recipe's template has no place for the text",
            f"{template!r} needs {{prompt}} and, after it, {{completion}}.",
            'For example: template = "{prompt}\\n{completion}"',
        )
    # replace(), not format(): prompts hold braces of their own
    before = head.replace("{prompt}", prompt)
    return before + completion + tail if completion else before


def with_system(messages: Sequence[Message], system: str) -> list[Message]:
    """`messages` with `system` in front, unless there is none or they bring their own."""
    if not system or (messages and messages[0].role == "system"):
        return list(messages)
    return [Message("system", system), *messages]


def with_shots(messages: Sequence[Message], shots: Sequence[Message]) -> list[Message]:
    """`messages` with the turns of other conversations shown first, behind the system message."""
    first = 1 if messages and messages[0].role == "system" else 0
    return [*messages[:first], *shots, *messages[first:]]


def plain_shots(template: str, shots: Sequence[Message]) -> str:
    """Question and answer of other conversations by a plain template, each on lines of its own."""
    pairs = itertools.pairwise(shots)
    texts = [
        render_plain(template, asked.content, answered.content)
        for asked, answered in pairs
        if (asked.role, answered.role) == ("user", "assistant")
    ]
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts)


def last_user(messages: Sequence[Message]) -> str:
    """The last user message's text, empty when there is none."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


class _Generation(Extension):
    """`{% generation %}`, which some templates put around answers for trainers: as if it were not there."""

    tags = {"generation"}  # jinja2's own name and kind

    def parse(self, parser: Parser) -> list[Node]:
        """The nodes between the tags."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def refused(error: Exception) -> UsageError:
    """What a user is told when a template does not take a conversation."""
    return UsageError(
        "The chat template refused a conversation",
        f"{type(error).__name__}: {error}",
        "Many templates want turns to alternate, user first, or know no system message: check the rows.",
    )


@lru_cache(maxsize=16)
def _compile(template: str) -> jinja2.Template:
    # The same environment as Transformers uses; sandboxed, since a template is code from outside.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    try:
        return environment.from_string(template)
    except jinja2.TemplateError as error:
        raise refused(error) from error


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
