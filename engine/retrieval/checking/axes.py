"""What is to be compared, as it is typed: `chunker=recursive,structure`. Light: for commands as well.

Several axes give every combination. Does not build and does not search.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

import msgspec

from store.errors import UsageError
from store.records.workspace import Knowledge

BUILDING = ("chunker", "chunk_tokens", "overlap_tokens", "embedder", "query_prefix", "document_prefix")
"""Settings for which a knowledge base is built beside the published one."""
SEARCHING = ("query", "query_model", "reranker", "diversity", "parents", "budget_tokens")
"""Settings of `[knowledge.NAME.search]`: the same passages, searched otherwise."""
WEIGHTS = "weights"
"""Four numbers, as 0.6:0.75:0.4:0.5: engine.retrieval.ranking.Weights."""
MOST_ARMS = 24

Choice = dict[str, str]
"""Setting to value, as typed."""


def combinations(axes: Sequence[str]) -> list[Choice]:
    """Every combination of `key=value,value` texts; none without any. Raises UsageError."""
    parsed = [_axis(text) for text in axes]
    if not parsed:
        return []
    keys = [key for key, _ in parsed]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise _bad(f"{', '.join(sorted(twice))} is named twice.", "Write its values in one --compare.")
    found = [dict(zip(keys, values, strict=True)) for values in itertools.product(*(v for _, v in parsed))]
    if len(found) > MOST_ARMS:
        raise _bad(f"That makes {len(found)} arms.", f"Compare at most {MOST_ARMS} at once.")
    return found


def settings_with(settings: Knowledge, choice: Choice) -> Knowledge:
    """The settings of a knowledge base with a choice put in. Raises UsageError for a value that cannot be."""
    raw = msgspec.to_builtins(settings)
    for key, value in choice.items():
        if key in BUILDING:
            raw[key] = value
        elif key in SEARCHING:
            raw["search"][key] = value
    try:
        changed = msgspec.convert(raw, Knowledge, strict=False)
    except msgspec.ValidationError as error:
        typed = ", ".join(f"{key}={value}" for key, value in choice.items())
        raise _bad(f"{typed}: {error}.", "temper.toml takes the same values.") from error
    if changed.search.query != "as_asked" and not changed.search.query_model:
        raise _bad(
            f"query={changed.search.query} needs a model, and query_model names none.",
            "Name one: --compare query_model=M",
        )
    return changed


def is_built(choice: Choice) -> bool:
    """Whether the choice needs a knowledge base of its own."""
    return any(key in BUILDING for key in choice)


def name_of(choice: Choice) -> str:
    """What an arm is called."""
    return " ".join(f"{key}={value}" for key, value in choice.items())


def weights_of(choice: Choice) -> list[float] | None:
    """The weights of a choice; None where it names none. Raises UsageError unless they are numbers."""
    if WEIGHTS not in choice:
        return None
    try:
        return [float(part) for part in choice[WEIGHTS].split(":")]
    except ValueError as error:
        raise _bad(f"weights={choice[WEIGHTS]}: {error}.", "Write four numbers: 0.6:0.75:0.4:0.5") from error


def _axis(text: str) -> tuple[str, list[str]]:
    key, sign, rest = text.partition("=")
    values = list(dict.fromkeys(part.strip() for part in rest.split(",") if part.strip()))
    known = (*BUILDING, *SEARCHING, WEIGHTS)
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise _bad(f"{key!r} is no setting that can be compared.{hint}", f"There are {', '.join(known)}.")
    if not sign or not values:
        raise _bad(f"{text!r} names no value.", f"Write it as {key}=ONE,ANOTHER.")
    return key, values


def _bad(happened: str, remedy: str) -> UsageError:
    return UsageError("That cannot be compared", happened, remedy)
