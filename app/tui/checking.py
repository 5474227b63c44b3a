"""Starts a check for the data screen, with the settings that the command line would take.

Imports and waits: call it in threads. What is looked for is engine.data's business.
"""

from __future__ import annotations

from app.tui.preview_feed import PreviewFeed
from store.datasets import parse_reference
from store.runs import RunFolder
from store.workspace import Workspace


def start_check(workspace: Workspace, reference: str, previews: PreviewFeed) -> RunFolder:
    """Start the job `check` on a version, imported first where it never was.

    Tokens are counted as by the recipe that trains on the dataset, where there is one. Raises what the
    import, the settings and the start of the job raise.
    """
    from engine.data.checks.asking import Asked, settings_for
    from engine.jobs import launch
    from engine.jobs.check import CheckParams

    seen_by = previews.first_name(parse_reference(reference).name)
    recipe = seen_by if seen_by.endswith(".toml") else ""
    info, settings = settings_for(workspace, reference, Asked(recipe=recipe))
    version = f"{info.name}@{info.version}"
    command = f"temper data check {version}" + (f" --recipe {recipe}" if recipe else "")
    return launch.start(workspace, "check", CheckParams(version, settings), f"check {version}", command)
