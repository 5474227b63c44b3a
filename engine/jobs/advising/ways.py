"""The approaches that can be measured in this workspace, and why the others cannot.

Names become files and rows here; nothing is loaded or asked yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.data.ensure import ensure_dataset
from engine.evals.identity import question
from engine.evals.suite import LoadedSuite
from engine.evals.triage.texts import normal
from engine.jobs.advising.passages import gold_passages
from engine.models import adapters
from engine.models.chat import last_user
from engine.models.variants import describe, read_prompt
from store import datasets, knowledge
from store import runs as folders
from store.errors import MissingError, TemperError, UsageError
from store.records.advice import Approach
from store.records.data import Example, Message
from store.records.evals import Case, CasesFrom
from store.runs import RunFolder
from store.workspace import Workspace

MOST_SHOTS = 12
NO_ROWS = "the suite's cases come from no dataset, and none was named (--rows DATASET)"
NO_DOCUMENTS = "there is no knowledge base, or no default one (--kb NAME, temper kb ingest PATH --kb NAME)"
PROBE = "probe: "
"""What the title of a probe's run begins with."""


class Way(msgspec.Struct):
    """One approach: whose model, with which system prompt, rows before the question and passages.

    `variant` is what is resolved to a model; `system` None: its own prompt. `passages`: none, those that
    search finds, or the right ones.
    """

    approach: Approach
    variant: str
    system: str | None = None
    rows: list[Message] = []
    passages: str = ""
    knowledge: str = ""


class Ways(msgspec.Struct):
    """What can be measured, cheapest first; and the reason for each that cannot.

    `seen` are cases whose question stands, nearly or word for word, among the rows to train on.
    """

    ways: list[Way]
    seen: frozenset[str] = frozenset()
    unmeasured: dict[Approach, str] = {}
    dataset: str = ""
    adapter: str = ""


class Wanted(msgspec.Struct):
    """What the user named; what is empty is looked for. `unprobed` says why no probe was trained for it."""

    variant: str = ""
    prompt: str = ""
    rows: str = ""
    shots: int = 4
    adapter: str = ""
    knowledge: str = ""
    against: str = ""
    unprobed: str = ""


def find_ways(workspace: Workspace, loaded: LoadedSuite, cases: Sequence[Case], wanted: Wanted) -> Ways:
    """All approaches that there is material for. Raises UsageError or MissingError for a wrong name."""
    variant = wanted.variant or plain_variant(workspace)
    found = Ways([Way("bare", variant)], dataset=dataset_of(loaded, wanted))
    system = read_prompt(workspace, wanted.prompt) if wanted.prompt else None
    if system is not None and describe(workspace, variant).template:
        found.unmeasured["prompt"] = "a plain template has no place for it: change `template` instead"
    elif system is not None:
        found.ways.append(Way("prompt", variant, system))
    else:
        found.unmeasured["prompt"] = "no other prompt was given (--prompt FILE)"
    _add_rows(workspace, found, variant, system, wanted, cases)
    kb = knowledge_of(workspace, variant, wanted)
    _add_passages(workspace, found, variant, kb, cases)
    _add_adapter(workspace, found, variant, kb, wanted)
    if wanted.against:
        found.ways.append(other_way(workspace, variant, wanted.against))
    return found


def other_way(workspace: Workspace, variant: str, against: str) -> Way:
    """Another model to compare with: a variant as it is, a model behind the bare prompt."""
    described = describe(workspace, against)
    kb = described.knowledge or ""
    bare = "" if against in workspace.config.variants else describe(workspace, variant).system
    return Way("other", against, bare or None, passages="found" if kb else "", knowledge=kb)


def plain_variant(workspace: Workspace) -> str:
    """The variant to start from: the default one if it is plain, else the first that is.

    Raises UsageError where there is none.
    """
    config = workspace.config
    names = [name for name in (config.defaults.variant, *config.variants) if name in config.variants]
    for name in names:
        variant = workspace.variant(str(name))
        if not variant.adapter and not variant.knowledge:
            return str(name)
    raise UsageError(
        "Which variant to start from?",
        "temper.toml has none without adapter and knowledge base.",
        "Name one with --variant: a model will do.",
    )


def dataset_of(loaded: LoadedSuite, wanted: Wanted) -> str:
    """The dataset whose train rows may be shown and trained on: the one named, else that of the suite."""
    if wanted.rows:
        return wanted.rows
    source = loaded.suite.cases
    return datasets.parse_reference(source.dataset).name if isinstance(source, CasesFrom) else ""


def knowledge_of(workspace: Workspace, variant: str, wanted: Wanted) -> str:
    """The knowledge base to search: the one named, the variant's, the default or the only one; else empty."""
    config = workspace.config
    if wanted.knowledge:
        workspace.knowledge(wanted.knowledge)
        return wanted.knowledge
    only = next(iter(config.knowledge)) if len(config.knowledge) == 1 else ""
    return describe(workspace, variant).knowledge or config.defaults.knowledge or only


def shots_of(rows: Sequence[Example], count: int) -> list[Message]:
    """Rows to follow: one of each answer, frequent answers and short rows first. Only single-turn rows."""
    single = [
        row.messages
        for row in rows
        if [m.role for m in row.messages if m.role != "system"] == ["user", "assistant"]
    ]
    frequency = Counter(messages[-1].content for messages in single)
    best: dict[str, list[Message]] = {}
    for messages in sorted(single, key=lambda messages: (len(messages[-2].content), messages[-2].content)):
        best.setdefault(messages[-1].content, messages[-2:])
    chosen = sorted(best, key=lambda answer: (-frequency[answer], answer))[: min(count, MOST_SHOTS)]
    return [message for answer in chosen for message in best[answer]]


def _add_rows(
    workspace: Workspace,
    found: Ways,
    variant: str,
    system: str | None,
    wanted: Wanted,
    cases: Sequence[Case],
) -> None:
    if not found.dataset:
        found.unmeasured["few_shot"] = NO_ROWS
        return
    try:
        ensure_dataset(workspace, found.dataset)
        rows = datasets.read_rows(workspace.paths, f"{found.dataset}/train")
    except (MissingError, UsageError) as error:
        found.unmeasured["few_shot"] = error.happened
        return
    asked = {case.id: normal(question(case)) for case in cases}
    known = {normal(last_user(row.messages)) for row in rows}
    found.seen = frozenset(name for name, text in asked.items() if text in known)
    questions = set(asked.values())
    unasked = [row for row in rows if normal(last_user(row.messages)) not in questions]
    shots = shots_of(unasked, wanted.shots)
    if shots:
        found.ways.append(Way("few_shot", variant, system, shots))
    else:
        found.unmeasured["few_shot"] = f"{found.dataset} has no rows of one question that no case asks"


def _add_passages(workspace: Workspace, found: Ways, variant: str, kb: str, cases: Sequence[Case]) -> None:
    if not kb or knowledge.current(workspace.paths, kb) is None:
        reason = f"{kb} was never ingested (temper kb ingest --kb {kb})" if kb else NO_DOCUMENTS
        found.unmeasured["retrieval"] = found.unmeasured["gold"] = reason
        return
    found.ways.append(Way("retrieval", variant, passages="found", knowledge=kb))
    gold = gold_passages(workspace, kb)
    if any(gold.of(case, 1) for case in cases):
        found.ways.append(Way("gold", variant, passages="gold", knowledge=kb))
    else:
        found.unmeasured["gold"] = f"no case names expected_sources that are in {kb}"


def _add_adapter(workspace: Workspace, found: Ways, variant: str, kb: str, wanted: Wanted) -> None:
    found.adapter = wanted.adapter or newest_adapter(workspace, found.dataset, variant)
    if not found.adapter:
        reason = wanted.unprobed or "none is trained on these rows (--probe)" if found.dataset else NO_ROWS
        if describe(workspace, variant).remote is not None:
            reason = "a model behind an API cannot be trained here"
        found.unmeasured["adapter"] = found.unmeasured["hybrid"] = reason
        return
    describe(workspace, found.adapter)
    found.ways.append(Way("adapter", found.adapter))
    if "retrieval" not in found.unmeasured:
        found.ways.append(Way("hybrid", found.adapter, passages="found", knowledge=kb))
    else:
        found.unmeasured["hybrid"] = found.unmeasured["retrieval"]


def newest_adapter(workspace: Workspace, dataset: str, variant: str) -> str:
    """The newest finished run that trained an adapter on a dataset, for the variant's base; empty if none.

    A probe counts only where there is no other.
    """
    if not dataset:
        return ""
    probe, model = "", describe(workspace, variant).model
    for folder in folders.list_folders(workspace.paths.runs, "train"):
        try:
            passport = adapters.read_passport(adapters.find_adapter(workspace, folder.run_id))
            same = describe(workspace, folder.run_id).model == model
        except TemperError:
            continue
        if not same or datasets.parse_reference(passport.dataset).name != dataset:
            continue
        if not is_probe(folder):
            return folder.run_id
        probe = probe or folder.run_id
    return probe


def is_probe(run: RunFolder) -> bool:
    """Whether a training run is a probe of the advisor's."""
    return run.spec().title.startswith(PROBE)
