"""Whose turn it is: the role names that sources use, and what the user says about others with --role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from engine.data.problems import RowProblem
from engine.data.shapes.contract import SHOWN, shown

Part = Literal["system", "user", "assistant", "tool", "call", "ignore"]
"""A message's part: a role, a call that stands as a turn of its own, or what is no turn at all (a note)."""

CHOICES = ("system", "user", "assistant", "tool", "ignore")

_NAMES: dict[Part, str] = {
    "system": "system developer system_prompt instructions",
    "user": "user human prompter question questioner customer client end_user enduser requester visitor guest"
    " buyer shopper caller patient contact lead inbound incoming received",
    "assistant": "assistant gpt chatgpt gpt4 gpt_4 gpt3 llm ai model bot chatbot bing bard claude gemini"
    " assistant_message agent support staff operator helpdesk support_agent customer_support answer"
    " customer_service representative rep advisor outbound outgoing sent",
    "tool": "tool function observation tool_response tool_result tool_output function_response"
    " function_result ipython",
    "call": "function_call tool_call tool_calls",
    "ignore": "note internal_note internal private_note system_note automation trigger event",
}
_PARTS: dict[str, Part] = {name: part for part, names in _NAMES.items() for name in names.split()}


def part_of(name: Any, roles: Mapping[str, str]) -> Part:
    """What a source's role name means, by `roles` first. Raises RowProblem where nobody knows."""
    if not isinstance(name, str):
        raise RowProblem("a message has no role" if name is None else f"a role is {shown(name)}, not a name")
    said = roles.get(name) or roles.get(name.strip()) or _PARTS.get(name) or _PARTS.get(plain(name))
    if said is None:
        raise RowProblem(
            f"unknown role {name[:SHOWN]!r}; say what it is with --role {_quoted(name[:SHOWN])}=user"
        )
    return said  # type: ignore[return-value]  # --role's values are checked before (mapping.check_options)


def known(name: Any, roles: Mapping[str, str]) -> bool:
    """Whether `part_of` knows a name."""
    return isinstance(name, str) and (name in roles or name.strip() in roles or plain(name) in _PARTS)


def plain(name: str) -> str:
    """A name without case, and with one underscore for whatever is neither letter nor digit."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.@-]+", name) else repr(name)
