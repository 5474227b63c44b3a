"""Whether retrieval is good enough: least figures, typed or of `[knowledge.NAME.gate]`, and the baseline.

A baseline is a label (`labels/baseline.jsonl`, target `knowledge/NAME`) that carries its figures: it holds
where the run itself is gone. Light: for commands as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from store import labels
from store.errors import MissingError, UsageError
from store.paths import WorkspacePaths
from store.records.comparing import GateOutcome
from store.records.kb_check import KbReport, Mean, Metric
from store.records.labels import Label
from store.records.workspace import RetrievalGate

ROUNDING = 1e-9
"""Means that are equal as fractions may differ in their last bits."""


class Baseline(msgspec.Struct):
    """What was blessed: figures of the whole search, for which questions, by which run."""

    run_id: str
    questions: str
    k: int
    n: int
    recall: float
    mrr: float


class Rules(msgspec.Struct):
    """What is asked for: least figures by metric, and how far recall and MRR may fall below the baseline."""

    least: Mapping[str, float] = {}
    max_fall: float | None = None
    certain: bool = False


def limits(typed: Sequence[str]) -> dict[str, float]:
    """`mrr=0.8` as numbers. Raises UsageError for another measure or no number in 0..1."""
    found = {}
    for text in typed:
        metric, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if metric not in get_args(Metric) or not 0 <= number <= 1:
            raise UsageError(
                "That is no limit",
                f"Got {text!r}.",
                f"Write --min METRIC=0.8; METRIC: {', '.join(get_args(Metric))}.",
            )
        found[metric] = number
    return found


def rules(kb: str, gate: RetrievalGate | None, asked: bool, typed: Mapping[str, float]) -> Rules:
    """The rules that hold: those typed, and those of the settings if they are `asked` for.

    Raises UsageError where they are, and temper.toml has none.
    """
    if not asked:
        return Rules(typed)
    if gate is None or (gate.min_recall, gate.min_mrr, gate.max_fall) == (None, None, None):
        raise UsageError(
            "There is no gate",
            f"temper.toml has no rule in [knowledge.{kb}.gate].",
            f"Write one there:\n[knowledge.{kb}.gate]\nmin_recall = 0.9\nmax_fall = 0.0",
        )
    least = {"recall": gate.min_recall, "mrr": gate.min_mrr}
    held = {metric: value for metric, value in least.items() if value is not None}
    return Rules({**held, **typed}, gate.max_fall, gate.certain)


def need_baseline(kb: str, held: Rules, baseline: Baseline | None) -> None:
    """Raise MissingError where the rules need a baseline and none was blessed."""
    if held.max_fall is not None and baseline is None:
        raise MissingError(
            "No baseline was blessed",
            f"max_fall of [knowledge.{kb}.gate] holds {kb} to one, and labels/baseline.jsonl has none.",
            f"Bless what is published: temper kb check --kb {kb} --bless",
        )


def judge(report: KbReport, held: Rules, baseline: Baseline | None) -> GateOutcome:
    """Every rule that is broken, with its figures; no verdict without rules."""
    if not held.least and held.max_fall is None:
        return GateOutcome()
    found = search_figures(report)
    reasons = [line for metric, least in held.least.items() for line in _least(metric, found, least, held)]
    if report.unresolved:
        count = len(report.unresolved)
        reasons.append(f"{count} question{'s' if count > 1 else ''} could not be asked (see above)")
    if held.max_fall is not None and baseline is not None:
        reasons += _falls(report, found, baseline, held.max_fall)
    return GateOutcome("failed" if reasons else "passed", reasons)


def bless(paths: WorkspacePaths, report: KbReport, run_id: str) -> Label:
    """Make the figures of the published generation the baseline, as a label."""
    found = search_figures(report)
    recall, mrr = found["recall"], found["mrr"]
    baseline = Baseline(
        run_id, report.questions_sha256, report.k, mrr.n, round(recall.mean, 6), round(mrr.mean, 6)
    )
    note = f"recall@{report.k} {recall.mean:.3f}, MRR {mrr.mean:.3f}, {mrr.n} questions"
    value = msgspec.json.encode(baseline).decode()
    return labels.append(paths, Label("baseline", target(report.kb), value, note=note))


def blessed(paths: WorkspacePaths, kb: str) -> Baseline | None:
    """The baseline that holds; None where none was blessed. Raises UsageError for one that cannot be read."""
    label = labels.latest(labels.read(paths, "baseline")).get(target(kb))
    if label is None:
        return None
    try:
        return msgspec.json.decode(label.value, type=Baseline)
    except msgspec.MsgspecError as error:
        raise UsageError(
            "The baseline cannot be read",
            f"labels/baseline.jsonl, {label.target}: {error}.",
            f"Bless anew: temper kb check --kb {kb} --bless",
        ) from error


def target(kb: str) -> str:
    """What the labels call a knowledge base."""
    return f"knowledge/{kb}"


def search_figures(report: KbReport) -> dict[str, Mean]:
    """The figures of the published generation's whole search."""
    return report.arms[0].stages[-1].figures


def _least(metric: str, found: Mapping[str, Mean], least: float, held: Rules) -> list[str]:
    if metric not in found:
        return [f"{metric} is to be at least {least:g}, and no question has it"]
    value = found[metric].low if held.certain else found[metric].mean
    if value >= least - ROUNDING:
        return []
    what = f"the low end of {metric}'s interval" if held.certain else metric
    return [f"{what} is {value:.3f}, at least {least:g} is asked for ({found[metric].n} questions)"]


def _falls(report: KbReport, found: Mapping[str, Mean], baseline: Baseline, most: float) -> list[str]:
    if (baseline.questions, baseline.k, baseline.n) != (report.questions_sha256, report.k, found["mrr"].n):
        return [
            "the baseline was blessed with other questions, or another k: bless anew with "
            f"temper kb check --kb {report.kb} --bless"
        ]
    was = {"recall": baseline.recall, "mrr": baseline.mrr}
    return [
        f"{metric} fell from {before:.3f} to {found[metric].mean:.3f}; {most:g} is allowed"
        for metric, before in was.items()
        if found[metric].mean < before - most - 1e-6  # a label has six places
    ]
