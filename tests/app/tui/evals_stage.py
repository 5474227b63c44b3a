"""Eval runs for the tests of the evals screen, laid by hand."""

from __future__ import annotations

import msgspec

from engine.evals.scores import score_of
from store.records.advice import Advice, Measured
from store.records.evals import CaseResult, CheckResult
from store.records.events import Finished
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.tui.stage import Staged, lay_run

ASKED = [
    ("c1", "I lost my phone", '{"intent": "recovery"}', ["critical"]),
    ("c2", "Which fee does a transfer cost?", '{"intent": "fees"}', []),
    ("c3", "Somebody asked for my twelve words", '{"intent": "scam"}', ["critical"]),
    ("c4", "A shop charged my card twice", '{"intent": "card"}', []),
    ("c5", "I want to see my balance in euros", '{"intent": "settings"}', []),
    ("c6", "Can you read papers in Arabic?", '{"intent": "verification"}', []),
]


def results(suite: str, variant: str, right: str) -> list[CaseResult]:
    """A result per case; `right` has an x for each answer that is right, a dot for one that is not."""
    found = []
    for (case, asked, expected, tags), sign in zip(ASKED, right, strict=True):
        good = sign == "x"
        output = expected if good else '{"intent": "other"}'
        checks = [
            CheckResult("json_schema", True, 1.0),
            CheckResult("exact", good, float(good), "" if good else "expected another intent"),
        ]
        found.append(
            CaseResult(
                suite, variant, case, asked, output, good, (1 + good) / 2, checks, expected, tags,
                latency_ms=180.0, prompt_tokens=64, completion_tokens=9, slices=tags,
            )
        )  # fmt: skip
    return found


def lay_eval(
    workspace: Workspace, run_id: str, right: dict[str, str], suite: str = "support", file: str = ""
) -> RunFolder:
    """A finished eval run: by variant, which of the cases it got right (see `results`).

    `file`: what the suite's file is called, where that is not its name.
    """
    scores, lines = [], []
    for variant, signs in right.items():
        answered = results(suite, variant, signs)
        scores.append(score_of(variant, answered))
        lines += answered
    result = {"suite": suite, "variants": msgspec.to_builtins(scores), "baselines": {}}
    title = f"{file or suite}: {', '.join(right)}"
    folder = lay_run(workspace, run_id, "evaluate", title, [Finished(status="finished", result=result)])
    folder.results.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return folder


def lay_advice(workspace: Workspace, run_id: str = "advise-1") -> RunFolder:
    """What the advisor found on the suite `support`: an adapter is the thing."""
    ranking = [
        Measured(
            "adapter",
            82,
            0.83,
            (0.70, 0.91),
            180.0,
            73.0,
            run_id,
            training_seconds=95.0,
            upkeep="train again",
        ),
        Measured("bare", 82, 0.33, (0.22, 0.46), 175.0, 72.0, run_id),
    ]
    advice = Advice(
        "tune",
        "behaviour",
        "Train an adapter: it answers 83% where the bare prompt answers 33%.",
        ["The answers have the right form already."],
        ranking,
        ["a case set of your own"],
        suite="support",
    )
    result = {"advice": msgspec.to_builtins(advice)}
    return lay_run(workspace, run_id, "advise", "support", [Finished(status="finished", result=result)])


class EvalsStaged(Staged):
    """The real app, opened on the evals screen."""

    DEFAULT_MODE = "evals"
