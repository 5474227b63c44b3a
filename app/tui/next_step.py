"""The next sensible step in a workspace: from its settings and its runs to one command. Opens no database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from store.labels import label_file
from store.records.runs import RunView
from store.workspace import Workspace

Place = Literal["command", "runs", "chat", "train", "knowledge", "evals"]


class NextStep(msgspec.Struct):
    """What to do, why, and how: a command to type, or a screen to go to.

    `recipe` is the file, from the workspace, that the training form begins with.
    """

    title: str
    why: str
    command: str
    place: Place = "command"
    run_id: str | None = None
    recipe: str = ""


def next_step(workspace: Workspace, views: Sequence[RunView]) -> NextStep:
    """The step that brings this workspace on. `views`: its runs, newest first."""
    return (
        _about_runs(views)
        or _about_models(workspace, views)
        or _about_results(workspace, views)
        or _talk(workspace)
    )


def _about_runs(views: Sequence[RunView]) -> NextStep | None:
    """A run that goes on or has just failed comes first."""
    for view in views:
        if view.state in ("starting", "waiting", "running"):
            what = view.title or view.run_id
            return NextStep(
                "Watch the run",
                f"{what} is {view.state}.",
                f"temper runs attach {view.run_id}",
                "runs",
                view.run_id,
            )
    if views and views[0].state in ("failed", "died"):
        what = views[0].title or views[0].run_id
        return NextStep(
            "See what went wrong",
            f"{what} {views[0].state}. Its page says why and what to do.",
            f"temper runs show {views[0].run_id}",
            "runs",
            views[0].run_id,
        )
    return None


def _about_models(workspace: Workspace, views: Sequence[RunView]) -> NextStep | None:
    """Something to train, then a file that can be run."""
    if not workspace.config.models:
        return NextStep(
            "Name a base model",
            "A Hugging Face directory on this machine, or a GGUF file.",
            "temper models add NAME PATH",
        )
    trained = _newest(views, "train")
    if trained is None:
        recipes = sorted(path.relative_to(workspace.root) for path in workspace.root.glob("recipes/*.toml"))
        command = (
            f"temper train {recipes[0]}"
            if recipes
            else f"temper train --base {next(iter(workspace.config.models))}"
        )
        return NextStep(
            "Train an adapter",
            "A small adapter on your own examples, on this machine.",
            command,
            "train",
            recipe=str(recipes[0]) if recipes else "",
        )
    exported = _newest(views, "export")
    if exported is None or exported.created < trained.created:
        return NextStep(
            "Export the adapter",
            "Merged, quantised and checked: a GGUF file that behaves like the model that was trained.",
            f"temper export {trained.run_id}",
        )
    return None


def _about_results(workspace: Workspace, views: Sequence[RunView]) -> NextStep | None:
    """Documents to search, then proof."""
    for name in workspace.config.knowledge:
        if not (workspace.paths.knowledge / name).is_dir():
            return NextStep(
                "Make the documents searchable",
                f"The knowledge base {name} is named in temper.toml and not built yet.",
                f"temper kb ingest --kb {name}",
                "knowledge",
            )
    evaluated, exported = _newest(views, "evaluate"), _newest(views, "export")
    suites = sorted(path.relative_to(workspace.root) for path in workspace.root.glob("evals/*.yaml"))
    if suites and exported and (evaluated is None or evaluated.created < exported.created):
        return NextStep(
            "Measure it",
            "The suite says whether the exported model answers better than before.",
            f"temper eval {suites[0]} --variant {exported.run_id}",
            "evals",
        )
    return _about_failures(workspace, views, evaluated) if evaluated is not None else None


def _about_failures(workspace: Workspace, views: Sequence[RunView], evaluated: RunView) -> NextStep | None:
    """Names for what failed, then what would help."""
    scores = [float(one.get("score", 1.0)) for one in evaluated.result.get("variants", [])]
    if not scores or min(scores) >= 1.0:
        return None
    if not label_file(workspace.paths, "category").exists():
        return NextStep(
            "Name the failures",
            "A key each: only failures with names tell whether training helps, or documents, or a prompt.",
            f"temper triage {evaluated.run_id}",
            "evals",
        )
    advised = _newest(views, "advise")
    if advised is None or advised.created < evaluated.created:
        return NextStep(
            "Ask the advisor",
            "It measures prompt, retrieval and adapter on the same cases, and says which is worth it.",
            f"temper advise {evaluated.result.get('suite', '')}",
            "evals",
        )
    return None


def _talk(workspace: Workspace) -> NextStep:
    variant = workspace.config.defaults.variant
    with_whom = f" with {variant}" if variant else ""
    return NextStep(
        "Talk to it", f"Everything is built and measured. Chat{with_whom}.", "temper chat", "chat"
    )


def _newest(views: Sequence[RunView], kind: str) -> RunView | None:
    return next((view for view in views if view.kind == kind and view.state == "finished"), None)
