"""Conversations become text by the model's own chat template, or by a recipe's plain template.

Training, evaluation and serving all render here: what was trained is what is asked. Does not tokenise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from store.errors import UsageError
from store.records.data import Message


def render_chat(
    template: str,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool,
    bos_token: str = "",
    eos_token: str = "",
) -> str:
    """`messages` as the text the model was made for. Raises UsageError when the template refuses them."""
    rows = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return _compile(template).render(
            messages=rows,
            add_generation_prompt=add_generation_prompt,
            bos_token=bos_token,
            eos_token=eos_token,
            tools=None,
        )
    except (jinja2.TemplateError, TypeError, KeyError) as error:
        raise UsageError(
            "The chat template refused a conversation",
            f"{type(error).__name__}: {error}",
            "Many templates want turns to alternate, user first, or know no system message: check the rows.",
        ) from error


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


def last_user(messages: Sequence[Message]) -> str:
    """The last user message's text, empty when there is none."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


@lru_cache(maxsize=16)
def _compile(template: str) -> jinja2.Template:
    # The same environment as Transformers uses; sandboxed, since a template is code from outside.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
