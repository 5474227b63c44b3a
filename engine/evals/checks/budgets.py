"""Budgets: how long an answer may be, how long it may take, how many tokens it may cost."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, passed

Unit = Literal["words", "characters", "lines", "sentences"]


class LengthOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Of words (parted by white space), characters, lines that are not empty, or sentences."""

    min: int = 0
    max: int | None = None
    unit: Unit = "words"


class LatencyOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Milliseconds for the whole answer; in a batch it waits for others."""

    max_ms: float = 0.0


class TokensOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Most tokens written, and read."""

    max: int | None = None
    max_prompt: int | None = None


def length(options: LengthOptions, bench: Bench) -> Judge:
    """The answer is as long as it may be."""
    if options.max is None and not options.min:
        raise ValueError("length needs `min` or `max`")
    if options.min < 0:
        raise ValueError(f"length: `min` is {options.min}; it must be 0 or more")
    if options.max is not None and options.max < options.min:
        raise ValueError(f"length: `max` {options.max} is below `min` {options.min}")

    def judge(reply: Reply) -> Verdict:
        count = measure(reply.text, options.unit)
        right = options.min <= count and (options.max is None or count <= options.max)
        return passed(right, f"{count} {options.unit}")

    return judge


def measure(text: str, unit: Unit) -> int:
    """How many of `unit` a text has."""
    match unit:
        case "words":
            return len(text.split())
        case "characters":
            return len(text.strip())
        case "lines":
            return sum(bool(line.strip()) for line in text.splitlines())
        case "sentences":
            import re

            return sum(bool(part.strip()) for part in re.split(r"[.!?]+(?=\s|$)|[\u3002\uff01\uff1f]+", text))


def latency(options: LatencyOptions, bench: Bench) -> Judge:
    """The answer came in time."""
    if not 0 < options.max_ms < math.inf:
        raise ValueError("latency needs `max_ms`, milliseconds above 0")

    def judge(reply: Reply) -> Verdict:
        return passed(reply.latency_ms <= options.max_ms, f"{reply.latency_ms:.0f} ms")

    return judge


def tokens(options: TokensOptions, bench: Bench) -> Judge:
    """The answer, and what was read for it, cost no more than they may."""
    if options.max is None and options.max_prompt is None:
        raise ValueError("tokens needs `max` or `max_prompt`")
    for name, most in (("max", options.max), ("max_prompt", options.max_prompt)):
        if most is not None and most < 1:
            raise ValueError(f"tokens: `{name}` is {most}; it must be 1 or more")

    def judge(reply: Reply) -> Verdict:
        written = options.max is None or reply.completion_tokens <= options.max
        read = options.max_prompt is None or reply.prompt_tokens <= options.max_prompt
        return passed(written and read, f"{reply.completion_tokens} written, {reply.prompt_tokens} read")

    return judge


KINDS = (
    Kind("length", "not too long, not too short", LengthOptions, length),
    Kind("latency", "answered in time", LatencyOptions, latency, whole=True),
    Kind("tokens", "within a budget of tokens", TokensOptions, tokens, whole=True),
)
