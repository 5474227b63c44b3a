"""What is known beside the scores: failures with their names, the checks of the data, the training run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from engine.data.checks.asking import of_recipe
from engine.data.checks.perishable import PerishableScan
from engine.data.checks.run import PhaseProgress, examine, quiet
from engine.evals.identity import case_hash
from engine.evals.triage.board import board, decision_on
from engine.evals.triage.guessing import failures_of
from engine.evals.triage.rules.labels import DOUBTFUL
from engine.evals.triage.texts import normal
from engine.evals.triage.witnesses import failures_of_advice
from engine.jobs.advising.probe import own_recipe
from engine.jobs.side_by_side import recipe_of
from engine.jobs.triaging import decisions
from engine.models.variants import describe
from store import check_reports, datasets
from store import runs as folders
from store.errors import TemperError
from store.records.advice import Approach, Signs
from store.records.data import Example, Message
from store.records.evals import Case, CaseResult
from store.records.findings import CheckName, CheckReport
from store.records.labels import Label
from store.records.triage import Failure, FailureGroup
from store.runs import RunFolder
from store.workspace import Workspace

CHECKS: tuple[CheckName, ...] = ("label_conflict", "perishable", "serving_mismatch", "leakage")
"""What the advice needs to know of the rows."""
MONEY = re.compile(
    r"[$€£¥]\s*\d[\d.,]*|\d[\d.,]*\s*(?:[$€£¥]|USD|EUR|GBP|CHF|dollars?|euros?|pounds?)", re.IGNORECASE
)
PREFERENCES = ("dpo", "kto", "orpo")


def signs_of(
    workspace: Workspace,
    suite: str,
    run_id: str,
    results: Mapping[Approach, Sequence[CaseResult]],
    cases: Sequence[Case],
) -> Signs:
    """The signs in the answers and in the cases; those of the rows and of the adapter are added below."""
    decided = decisions(workspace)
    witnessed = failures_of_advice(chain.from_iterable(results.values()), run_id)
    failures = as_decided(failures_of(results["bare"], run_id), witnessed, decided)
    top = board(run_id, failures, decided)
    signs = Signs(top.ready, top.why_not, triage=f"temper triage {run_id}")
    shares = dict.fromkeys(("format", "knowledge"), 0.0)
    for group in top.groups:
        if group.category in shares:
            shares[group.category] += group.share
    signs.format_share, signs.knowledge_share = shares["format"], shares["knowledge"]
    signs.noise_share = noise_share(top.groups, sum(one.judged for one in results["bare"]))
    signs.perishable, signs.conflicts = facts_share(cases), conflicts_share(cases)
    return signs


def as_decided(
    alone: Iterable[Failure], witnessed: Iterable[Failure], decided: Mapping[str, Label]
) -> list[Failure]:
    """Each failure as it was guessed when somebody decided on it: seen alone, or else beside the others."""
    known = {one.case: one for one in alone if decision_on(one, decided)}
    return [one if decision_on(one, decided) else known.get(one.case, one) for one in witnessed]


def noise_share(groups: Iterable[FailureGroup], answers: int) -> float:
    """The share of all answers whose reference is wrong: as decided, or as a judge and two witnesses say."""
    noisy = [
        group.count
        for group in groups
        if (group.category == "label_noise" if group.named else group.guess.rule == DOUBTFUL)
    ]
    return sum(noisy) / answers if answers else 0.0


def facts_share(cases: Sequence[Case]) -> float | None:
    """The share of the expected answers that state facts which will change; None where none is expected."""
    scan, answered, facts = PerishableScan(), 0, 0
    for number, case in enumerate(cases):
        if not case.expected:
            continue
        asked = case.messages or [Message("user", case.input)]
        row = Example(case.id, number, [*asked, Message("assistant", said(case.expected))])
        answered, facts = answered + 1, facts + any(scan.scan(row))
    return facts / answered if answered else None


def said(answer: str) -> str:
    """An answer as a sentence: a suite writes `$42` where a person would say what it costs."""
    return f"It costs {answer.strip()}." if MONEY.fullmatch(answer.strip()) else answer


def conflicts_share(cases: Sequence[Case]) -> float | None:
    """The share of cases whose very question another one answers otherwise; None where all are different."""
    answers: dict[str, list[set[str]]] = defaultdict(list)
    for case in cases:
        if case.expected is not None:
            right = {normal(one) for one in (case.expected, *case.alternatives)}
            answers[case_hash(case)].append(right)
    twice = [given for given in answers.values() if len(given) > 1]
    apart = sum(len(given) for given in twice if not set.intersection(*given))
    return apart / len(cases) if twice else None


def report_on(
    workspace: Workspace, dataset: str, variant: str, progress: PhaseProgress = quiet
) -> CheckReport | None:
    """What the checks say of the dataset: the newest report on its newest version, else they are made now.

    None where there is no such dataset, or it cannot be read.
    """
    if not dataset:
        return None
    try:
        asked = datasets.parse_reference(dataset)
        info = datasets.load_info(workspace.paths, asked.name, asked.version)
        report = check_reports.latest(workspace.paths, info.name, info.version)
        if report is None or {one.check for one in report.skipped} & {"label_conflict", "perishable"}:
            settings = of_recipe(workspace, own_recipe(workspace, info.name, variant))
            version = f"{info.name}@{info.version}"
            report = examine(workspace.paths, version, settings, progress, only=CHECKS)
    except TemperError:
        return None
    return report


def leaked(report: CheckReport) -> set[str]:
    """The held-out rows that stand among the train rows, nearly or word for word."""
    return {
        group.rows[0]
        for finding in report.findings
        if finding.check == "leakage" and finding.severity == "block"
        for group in finding.groups
    }


def read_report(report: CheckReport, signs: Signs) -> None:
    """What the data's checks say of labels, of facts that change, and of prompts."""
    rows: dict[str, set[str]] = {"label_conflict": set(), "perishable": set()}
    for finding in report.findings:
        if finding.check in rows:
            rows[finding.check].update(one.row for one in finding.rows)
        if finding.check == "serving_mismatch" and finding.severity == "warn":
            own = finding.detail if finding.id.endswith("/training_prompt") else finding.title
            signs.serving_mismatch = signs.serving_mismatch or own
    skipped = {one.check for one in report.skipped}
    if report.rows and "label_conflict" not in skipped:
        signs.conflicts = max(signs.conflicts or 0.0, len(rows["label_conflict"]) / report.rows)
    if report.rows and "perishable" not in skipped:
        signs.perishable = max(signs.perishable or 0.0, len(rows["perishable"]) / report.rows)


def read_training(run: RunFolder, signs: Signs) -> None:
    """What a training run says of itself."""
    signs.preferred = recipe_of(run).objective in PREFERENCES
    result = folders.view(run).result
    remarks = (result.get("outcome") or {}).get("remarks", [])
    signs.preference_cost = next(
        (str(one.get("text", "")) for one in remarks if one.get("title") == "Nicer but less accurate"), ""
    )


def compare_prompts(workspace: Workspace, adapter: str, run: RunFolder, signs: Signs) -> None:
    """Whether an adapter is served behind the prompt that its run trained it behind."""
    trained, served = describe(workspace, run.run_id), describe(workspace, adapter)
    if trained.system != served.system:
        signs.serving_mismatch = f"{run.run_id} was trained with another system prompt than {adapter} has"
    elif trained.template != served.template:
        signs.serving_mismatch = f"{run.run_id} was trained with another template than {adapter} has"
