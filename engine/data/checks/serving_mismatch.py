"""What rows are trained under against what the serving variant is asked under: prompt, passages, tools.

A model that was tuned behind one system message answers worse behind another. A variant without tools is what
Temper serves; other servers may offer some. Does not know whether the variant answers well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine.data.checks.contract import Basis, CannotRun, normal
from engine.models.variants import describe, knowledge_of, read_prompt
from engine.retrieval.prompt import INSTRUCTION
from store import example_table
from store.errors import TemperError
from store.paths import find_workspace
from store.records.data import Example
from store.records.findings import Finding, Group
from store.workspace import Workspace

SHOWN_PROMPTS = 3
SHOWN_LETTERS = 60
PASSAGES_SHARE = 0.5

# Passages as people put them before a question: numbered, tagged, or under a heading of their own.
_PASSAGES = re.compile(
    r"^\[1\]\s.*^\[2\]\s|<(?:context|documents?|passages?|sources?)\b[^>]*>"
    r"|^#*\s*(?:context|passages?|documents?|sources?|search results|retrieved)\b[^\n]{0,40}:\s*$",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


class Around(NamedTuple):
    """What stands around the question of a row."""

    system: str
    tools: bool


class Serving(msgspec.Struct):
    """What a variant puts around every question."""

    name: str
    system: str
    knowledge: str | None


def check(basis: Basis) -> Iterator[Finding]:
    """Rows against the settings' variant. Raises CannotRun where none is named or its parts are not there."""
    name = basis.settings.variant
    if not name:
        raise CannotRun("no serving variant is known: name one with --variant, or under [defaults]")
    root = find_workspace(basis.path.parent)
    if root is None:
        raise CannotRun("the dataset lies in no workspace, so its variants are not known")
    try:
        serving = serving_of(Workspace(root), name)
    except TemperError as error:
        raise CannotRun(f"variant {name!r} cannot be read: {error.happened}") from error
    if basis.info.kind == "text":
        return
    around = surroundings(basis)
    yield from prompts(basis, serving, around)
    yield from passages(basis, serving)
    yield from tools(basis, around)


def serving_of(workspace: Workspace, name: str) -> Serving:
    """A variant's prompt and knowledge base. Raises TemperError for what is not there.

    A variant with a prompt of its own is read without its adapter: that may not be trained yet.
    """
    own = workspace.variant(name) if name in workspace.config.variants else None
    if own is not None and (own.prompt or not own.adapter):
        system = read_prompt(workspace, own.prompt) if own.prompt else ""
        return Serving(name, system, knowledge_of(workspace, name, own.knowledge))
    parts = describe(workspace, name)
    return Serving(name, parts.system, knowledge_of(workspace, name, parts.knowledge))


def surroundings(basis: Basis) -> list[Around]:
    """What is around each row; rows are read anew only where anything is around one."""
    if not any(basis.contexts):
        return [Around("", False)] * len(basis.rows)
    return [around_of(example) for batch in example_table.read_batches(basis.path) for example in batch]


def around_of(example: Example) -> Around:
    """What is around one row's question."""
    systems = [turn.content for turn in example.messages if turn.role == "system"]
    return Around("\n".join(systems), bool(example.tools))


def prompts(basis: Basis, serving: Serving, around: Sequence[Around]) -> Iterator[Finding]:
    """Rows whose system message is another than the variant's."""
    systems = [one.system for one in around]
    wanted = normal(serving.system)
    bare = [at for at, system in enumerate(systems) if not system]
    if bare and normal(basis.settings.system) != wanted:
        yield _bare_rows(basis, serving, bare)
    odd = [at for at, system in enumerate(systems) if system and normal(system) != wanted]
    if not odd:
        return
    counts = Counter(systems[at] for at in odd)
    most = [system for system, _ in counts.most_common(SHOWN_PROMPTS)]
    yield Finding(
        id="serving_mismatch/prompt",
        check="serving_mismatch",
        severity="warn",
        title=f"{len(odd):,} rows have another system message than variant {serving.name!r}",
        count=len(odd),
        rows=basis.refs(odd),
        remedy="Serve what was trained, or train what is served: give both the same prompt",
        detail="; ".join(_difference(serving.system, system) for system in most),
        groups=[
            Group([basis.rows[at] for at in odd if systems[at] == system], _short(system)) for system in most
        ],
        figures={"prompts": len(counts)},
    )


def _bare_rows(basis: Basis, serving: Serving, bare: list[int]) -> Finding:
    """Rows without a system message: what training puts there is another than what the variant has."""
    told = bool(basis.settings.system or basis.settings.model)
    if basis.settings.system:
        title = f"The prompt of training is another than that of variant {serving.name!r}"
    else:
        title = f"{len(bare):,} rows have no system message, variant {serving.name!r} has one"
    return Finding(
        id="serving_mismatch/training_prompt",
        check="serving_mismatch",
        # Nobody said yet what training puts in front: then this is a reminder only.
        severity="warn" if told else "info",
        title=title,
        count=len(bare),
        rows=basis.refs(bare),
        remedy="Give the recipe the variant's prompt: prompt = FILE",
        detail=_difference(serving.system, basis.settings.system),
    )


def passages(basis: Basis, serving: Serving) -> Iterator[Finding]:
    """Rows with passages before the question where the variant has none, or the other way about."""
    having = [at for at, asked in enumerate(basis.asked) if INSTRUCTION in asked or _PASSAGES.search(asked)]
    lacking = sorted(set(range(len(basis.asked))) - set(having))
    if serving.knowledge and len(lacking) > PASSAGES_SHARE * len(basis.asked):
        title = f"Variant {serving.name!r} answers from passages, {len(lacking):,} rows have none"
        remedy = "Train on rows with passages in the question, or serve without a knowledge base"
        rows = lacking
    elif not serving.knowledge and having:
        title = f"{len(having):,} rows have passages in the question, variant {serving.name!r} has none"
        remedy = f"Give the variant a knowledge base: [variants.{serving.name}] knowledge = NAME"
        rows = having
    else:
        return
    yield Finding(
        "serving_mismatch/passages", "serving_mismatch", "warn", title, len(rows), basis.refs(rows), remedy
    )


def tools(basis: Basis, around: Sequence[Around]) -> Iterator[Finding]:
    """Rows with functions on offer: whoever serves the model must offer them too."""
    offering = [at for at, one in enumerate(around) if one.tools]
    if offering:
        yield Finding(
            id="serving_mismatch/tools",
            check="serving_mismatch",
            severity="info",
            title=f"{len(offering):,} rows have functions on offer, which temper serve does not pass on",
            count=len(offering),
            rows=basis.refs(offering),
            remedy="Serve the exported model where requests can bring the same functions",
        )


def _difference(served: str, trained: str) -> str:
    """Where two prompts part, for people."""
    if not trained:
        return f"served with {_short(served)!r}, trained with no system message"
    if not served:
        return f"trained with {_short(trained)!r}, served with no system message"
    pairs = zip(served, trained, strict=False)
    shorter = min(len(served), len(trained))
    begin = next((at for at, (one, other) in enumerate(pairs) if one != other), shorter)
    return f"served {_short(served[begin:])!r}, trained {_short(trained[begin:])!r}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_LETTERS else text[:SHOWN_LETTERS] + "..."
