"""What the workspace's evaluation runs say of one model: read from the run folders, never from the ledger,
which a worker does not open.
"""

from __future__ import annotations

import msgspec

from engine.models.variants import Parts, describe
from store import runs
from store.errors import TemperError
from store.records.passports import Score
from store.workspace import Workspace


def scores_of(workspace: Workspace, parts: Parts, since: str = "") -> list[Score]:
    """The newest score of each suite and variant that is this model and adapter, whatever its prompt.

    Runs before `since` (ISO 8601) are left out: then a variant may have meant an earlier adapter.
    """
    names = names_of(workspace, parts)
    found: dict[tuple[str, str], Score] = {}
    for folder in reversed(runs.list_folders(workspace.paths.runs, "evaluate")):  # the oldest first
        if folder.spec().created < since:
            continue
        view = runs.view(folder)
        for score in view.result.get("variants", []) if view.state == "finished" else []:
            if score["name"] in names:
                suite = str(view.result.get("suite", ""))
                found[suite, score["name"]] = Score(
                    type="",
                    suite=suite,
                    cases=int(score["n"]),
                    score=float(score["score"]),
                    variant=score["name"],
                    run_id=view.run_id,
                    stderr=float(score["stderr"]),
                )
    return sorted(found.values(), key=lambda score: (score.suite, score.variant))


def names_of(workspace: Workspace, parts: Parts) -> set[str]:
    """What this model and adapter are called where variants are asked for."""
    own = {parts.run_id or "", parts.name, parts.adapter.parent.name if parts.adapter else ""}
    candidates = [*workspace.config.variants, *workspace.config.models, "last", *filter(None, own)]
    return {name for name in candidates if means(workspace, name, parts)}


def means(workspace: Workspace, name: str, parts: Parts) -> bool:
    """Whether a name stands for this model and adapter now."""
    try:
        found = describe(workspace, name)
    except (TemperError, msgspec.MsgspecError):
        return False
    return (found.model, found.adapter) == (parts.model, parts.adapter)
