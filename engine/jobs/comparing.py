"""What `compare` is asked, found: eval runs by id, variants to be evaluated, the blessed baseline, the gate.

Variants are evaluated anew, through the cache of answers: a stored result may be of an adapter that `last`
no longer means. Which cases became right or wrong, and what that amounts to, is engine.evals.comparison's.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.evals.comparison import gates
from engine.evals.comparison.verdicts import MARGIN
from engine.evals.comparison.verdicts import compare as compare_results
from engine.evals.suite import find_suite, load_suite
from engine.jobs.eval_results import find_eval_run, newest, read, results_of
from engine.models.variants import LARGE_QUANT, describe
from store import labels, runs
from store.errors import MissingError, RefusedError, TemperError, UsageError
from store.records.comparing import Comparison, GateOutcome, Side
from store.records.evals import CaseResult, Cost
from store.records.labels import Label
from store.runs import RunFolder
from store.workspace import Workspace

UNFINISHED = "HAS NOT FINISHED"
BASELINE = "baseline"
"""The word for the run that was blessed last on a suite."""


class Asked(msgspec.Struct):
    """One side as it was asked for: a variant, and the run with its results once there is one."""

    variant: str
    run: RunFolder | None = None


def suite_of(workspace: Workspace, reference: str | None, sides: tuple[str, str], here: Path) -> Path:
    """The file of the suite to compare on: the one named, that of a run, else the only one in evals/.

    Raises UsageError where it is not clear which, MissingError where there is none.
    """
    if reference:
        return find_suite(workspace.root, reference, here)
    for side in sides:
        if run := find_eval_run(workspace, side.partition(":")[0]):
            return find_suite(workspace.root, str(run.spec().params["suite"]))
    known = sorted(workspace.paths.evals.glob("*.y*ml")) + sorted(workspace.paths.evals.glob("*.jsonl"))
    if len(known) == 1:
        return known[0]
    names = ", ".join(path.stem for path in known) or "none"
    raise UsageError("Which suite?", f"evals/ holds {names}.", "Name one with --suite.")


def suite_of_runs(workspace: Workspace, sides: tuple[str, str]) -> str:
    """The name of the suite that A's run was of, where both sides are runs; else "". Its file may be gone."""
    found = [find_eval_run(workspace, side.partition(":")[0]) for side in sides]
    first = next(read(found[0]), None) if found[0] and found[1] else None
    return first.suite if first else ""


def ask(workspace: Workspace, reference: str, suite: str, stored: bool = False) -> Asked:
    """What one side means: `baseline`, RUN, RUN:VARIANT or a variant. `stored`: a variant's newest results.

    Raises UsageError or MissingError that says what could be meant.
    """
    if reference == BASELINE and BASELINE not in workspace.config.variants:
        return blessed(workspace, suite)
    name, _, variant = reference.partition(":")
    if run := find_eval_run(workspace, name):
        return Asked(variant or only_variant(run), run)
    describe(workspace, reference)
    if not stored:
        return Asked(reference)
    run = newest(workspace, suite, reference)
    if run is None:
        raise MissingError(
            "There are no stored results",
            f"No run evaluated {reference!r} on {suite}.",
            "Leave --stored out: it is evaluated then.",
        )
    return Asked(reference, run)


def only_variant(run: RunFolder) -> str:
    """The variant that a run evaluated. Raises UsageError where it was several."""
    names = list(dict.fromkeys(result.variant for result in read(run)))
    if len(names) > 1:
        raise UsageError(
            "Which of its variants?",
            f"{run.run_id} evaluated {', '.join(names)}.",
            f"Name one, for example: {run.run_id}:{names[0]}",
        )
    return names[0] if names else ""


def blessed(workspace: Workspace, suite: str) -> Asked:
    """The run that was blessed last. Raises MissingError where none was, or its results are gone."""
    label = labels.latest(labels.read(workspace.paths, "baseline")).get(suite)
    if label is None:
        raise MissingError(
            "No baseline was blessed",
            f"labels/baseline.jsonl has none of {suite}.",
            f"Bless one with: temper compare A B --suite {suite} --bless",
        )
    run_id, _, variant = label.value.partition(":")
    run = find_eval_run(workspace, run_id)
    if run is None:
        raise MissingError(
            "The baseline's results are gone",
            f"{label.by} blessed {label.value} at {label.time}; its run is no longer in .temper/runs.",
            f"Compare with its variant, which is evaluated again: temper compare {variant} B --suite {suite}",
        )
    return Asked(variant, run)


def compare(workspace: Workspace, suite: str, a: Asked, b: Asked, margin: float = MARGIN) -> Comparison:
    """Both sides, whose runs are there by now, with the verdict of the suite's gate where it has one."""
    side_a, results_a = side(workspace, a, suite)
    side_b, results_b = side(workspace, b, suite)
    found = compare_results(suite, side_a, side_b, results_a, results_b, margin)
    for one, asked in ((side_a, a), (side_b, b)):
        if one.cost is not None:
            one.cost.joules = joules_of(asked)
    found.notices = [*run_notices(a, b), *found.notices]
    gate = workspace.config.gates.get(suite)
    found.gate = gates.judge(found, gate) if gate else GateOutcome()
    if gate and (unfinished := [one for one in found.notices if UNFINISHED in one]):
        found.gate = GateOutcome("failed", [*unfinished, *found.gate.reasons])
    return found


def run_notices(a: Asked, b: Asked) -> list[str]:
    """What the runs themselves make doubtful: one that did not end, or one that is compared with itself."""
    said = []
    for name, asked in (("A", a), ("B", b)):
        if asked.run is not None and (state := runs.view(asked.run).state) != "finished":
            said.append(
                f"{name}'S RUN {asked.run.run_id} {UNFINISHED} ({state}): only what it answered counts."
            )
    if a.run is not None and b.run is not None and (a.run.run_id, a.variant) == (b.run.run_id, b.variant):
        said.append("A AND B ARE THE SAME RUN AND VARIANT: nothing can differ.")
    return said


def joules_of(asked: Asked) -> float | None:
    """What an answer drew from the GPU, where the run counted it."""
    result = runs.view(asked.run).result if asked.run is not None else {}
    for raw in result.get("variants", []):
        if raw.get("name") == asked.variant and raw.get("cost"):
            return msgspec.convert(raw["cost"], Cost).joules
    return None


def side(workspace: Workspace, asked: Asked, suite: str) -> tuple[Side, list[CaseResult]]:
    """One side and its results on the suite. Raises UsageError where the run is of another suite."""
    assert asked.run is not None, "evaluate it first"
    found = results_of(asked.run, asked.variant)
    results = [result for result in found if result.suite == suite]
    if not results:
        raise UsageError(
            "The runs are of different suites",
            f"{asked.run.run_id} is of {found[0].suite!r}, asked for is {suite!r}.",
            "Compare runs of one suite.",
        )
    try:
        quant = str(asked.run.spec().params.get("quant") or describe(workspace, asked.variant).quant)
    except TemperError:
        quant = ""  # a variant that no longer exists still has results
    return Side(asked.variant, asked.run.run_id, results[-1].variant_hash, quant), results


def need_gate(workspace: Workspace, suite: str) -> None:
    """Raises UsageError where the suite has no gate in temper.toml."""
    if suite not in workspace.config.gates:
        known = ", ".join(workspace.config.gates) or "none"
        raise UsageError(
            "There is no gate for this suite",
            f"temper.toml has gates for: {known}; the suite is called {suite!r}.",
            f"Add to temper.toml: [gates.{suite}]  min_diff = 0.0",
        )


def bless(workspace: Workspace, found: Comparison) -> Label:
    """Make the candidate's run the suite's baseline, a label. Raises RefusedError where the gate failed."""
    if found.gate.verdict == "failed":
        raise RefusedError(
            "The gate failed, so nothing was blessed",
            "\n".join(found.gate.reasons),
            "Mend what is named, or change the gate in temper.toml.",
        )
    side = found.side_b
    note = f"{found.overall.b:.1%} of {found.overall.n} cases"
    return labels.append(
        workspace.paths, Label("baseline", found.suite, f"{side.run_id}:{side.variant}", note=note)
    )


def suite_name(path: Path, root: Path) -> str:
    """The name inside the suite's file."""
    return load_suite(path, root).suite.name


def start_evaluation(workspace: Workspace, suite: Path, variants: list[str]) -> RunFolder:
    """A run that evaluates what has no results yet, all in one GGUF type unless a variant names its own."""
    from engine.jobs import launch
    from engine.jobs.evaluate import EvaluateParams

    shown = str(suite.relative_to(workspace.root) if suite.is_relative_to(workspace.root) else suite)
    command = f"temper eval {shown}" + "".join(f" --variant {name}" for name in variants)
    params = EvaluateParams(shown, variants, quant=common_quant(workspace, variants))
    return launch.start(workspace, "evaluate", params, f"{suite.stem}: {', '.join(variants)}", command)


def common_quant(workspace: Workspace, variants: list[str]) -> str:
    """The GGUF type that all run in, where left to itself each would run in another; empty where nothing is
    to be changed: they agree, or one of them names its type, which then is what is compared.
    """
    quants = {describe(workspace, name).quant for name in variants} - {""}  # one that is served has none
    config = workspace.config.variants
    named = any(workspace.variant(name).quant for name in variants if name in config)
    return LARGE_QUANT if len(quants) > 1 and not named else ""
