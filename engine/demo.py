"""The demo: the whole loop on one workspace, as steps that front ends start, watch and sum up.

A workspace from the `support` template, its rows imported, the base measured, documents indexed, an adapter
trained and exported, the export measured, one question asked. Every step is what a command does too.
Does not know how progress is shown. Figures are read back from the ledger, never passed along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from engine.models.directory import ModelDirectory
from engine.models.locate import path_of
from engine.workspaces import create
from store import atomic
from store.errors import UsageError
from store.paths import find_workspace
from store.records.data import Message
from store.runs import RunFolder
from store.workspace import Workspace

FOLDER = "temper-demo"
SUITE, DATASET, RECIPE, KNOWLEDGE = "evals/support.yaml", "support", "recipes/support.toml", "docs"
BASE, TUNED, HELPER = "base", "tuned", "helper"
QUANT = "q8_0"
QUESTION = "What do I do if my phone is lost?"
OWN_BASE_RATE = 2e-4  # the peak for models that were pretrained at length; the template's suits the tiny one
PLAIN_TEMPLATE = "{prompt}\n{completion}"

Words = Callable[[str], None]


class Step(msgspec.Struct, frozen=True):
    """One step: its title, and what starts it. That gives a run to watch, or None when all is done."""

    title: str
    start: Callable[[Words], RunFolder | None]


class Summary(msgspec.Struct):
    """What the ledger says after the last step. Scores are shares in [0, 1], times seconds."""

    base_exact: float
    tuned_exact: float
    base_stderr: float
    tuned_stderr: float
    schema_valid: float
    cases: int
    ship: str
    token_ids_equal: float
    greedy_agreement: float
    steps: int
    first_loss: float
    last_loss: float
    tokens_per_second: float
    question: str
    answer: str
    passages: int
    cited: list[str]
    best_passage: str
    seconds: float


def free_folder(parent: Path) -> Path:
    """`temper-demo`, or the first of `temper-demo-2`, ... that is not there."""
    number = 1
    while (folder := parent / (FOLDER if number == 1 else f"{FOLDER}-{number}")).exists():
        number += 1
    return folder


def prepare(directory: Path, base: Path | None) -> Workspace:
    """The demo's workspace, on the embedded model or on `base`.

    Raises MissingError or UsageError for a base that cannot be trained, before anything is written.
    """
    model = ModelDirectory(base.resolve()) if base else None
    if inside := find_workspace(directory.resolve().parent):
        raise UsageError(
            "The demo makes a workspace of its own",
            f"{directory} would lie in the workspace {inside}.",
            "Run it elsewhere, or choose a place: temper demo --dir DIR",
        )
    workspace = create(directory, "support")
    if model is not None:
        use_base(workspace, model)
        workspace = Workspace(workspace.root)
    return workspace


def use_base(workspace: Workspace, model: ModelDirectory) -> None:
    """Write the user's own model into temper.toml and the recipe, in the place of the embedded one."""
    template = "" if model.chat_template else PLAIN_TEMPLATE
    settings = tomlkit.parse(workspace.paths.settings.read_text(encoding="utf-8"))
    raw: Any = settings
    raw["models"]["tiny"]["path"] = str(model.path)
    recipe_file = workspace.root / RECIPE
    recipe = tomlkit.parse(recipe_file.read_text(encoding="utf-8"))
    recipe["learning_rate"] = OWN_BASE_RATE
    if template:
        recipe["template"] = template
        for name in (BASE, HELPER):
            raw["variants"][name]["template"] = template
    atomic.write_text(workspace.paths.settings, tomlkit.dumps(settings))
    atomic.write_text(recipe_file, tomlkit.dumps(recipe))


def steps(workspace: Workspace) -> list[Step]:
    """The steps after the workspace is made, in order."""
    return [
        Step("Import the support messages", lambda words: import_rows(workspace, words)),
        Step("Measure the base model", lambda words: start_eval(workspace, BASE)),
        Step("Index the help articles", lambda words: start_ingest(workspace)),
        Step("Train an adapter", lambda words: start_training(workspace)),
        Step("Merge, convert, quantise, check", lambda words: start_export(workspace)),
        Step("Measure the exported model", lambda words: start_eval(workspace, TUNED)),
        Step("Ask with retrieval", lambda words: ask(workspace, words)),
    ]


def import_rows(workspace: Workspace, words: Words) -> None:
    """The template's rows become a dataset with a held-out split."""
    from engine.data.ensure import ensure_dataset

    info = ensure_dataset(workspace, DATASET)
    splits = ", ".join(f"{rows} {name}" for name, rows in info.splits.items())
    words(f"{info.rows_kept} of {info.rows_in} rows: {splits}")


def start_eval(workspace: Workspace, variant: str) -> RunFolder:
    """The suite through one variant."""
    from engine.jobs import launch
    from engine.jobs.evaluate import EvaluateParams

    command = f"temper eval {SUITE} --variant {variant}"
    return launch.start(
        workspace, "evaluate", EvaluateParams(SUITE, [variant]), f"support: {variant}", command
    )


def start_ingest(workspace: Workspace) -> RunFolder:
    """The template's documents become a knowledge base."""
    from engine.jobs import launch
    from engine.jobs.ingest import IngestParams

    command = f"temper kb ingest --kb {KNOWLEDGE}"
    return launch.start(workspace, "ingest", IngestParams(kb=KNOWLEDGE), KNOWLEDGE, command)


def start_training(workspace: Workspace) -> RunFolder:
    """The template's recipe."""
    from engine.jobs import launch
    from engine.jobs.train import TrainParams
    from engine.training import preflight
    from engine.training.recipe import load_recipe

    recipe = load_recipe(workspace.root / RECIPE)
    preflight.check(workspace, recipe)
    title = f"support: {path_of(workspace.model(recipe.base).path, workspace.root).name}"
    return launch.start(workspace, "train", TrainParams(recipe), title, f"temper train {RECIPE}")


def start_export(workspace: Workspace) -> RunFolder:
    """The newest adapter to a GGUF that is checked."""
    from engine.jobs import launch
    from engine.jobs.export_request import ExportParams

    command = f"temper export last --quant {QUANT}"
    return launch.start(workspace, "export", ExportParams("last", [QUANT]), f"support: {QUANT}", command)


def ask(workspace: Workspace, words: Words) -> None:
    """One question through the server, from the documents; the server keeps a trace and is stopped."""
    from engine.serving import client as serving

    with closing(serving.ensure_server(workspace, HELPER, words)) as client:
        for _ in client.chat([Message("user", QUESTION)]):
            pass
    if server := serving.running_server(workspace.paths):
        serving.ask(server, "POST", "/stop")


def summarise(workspace: Workspace) -> Summary:
    """All figures, from the ledger. Raises TemperError when it lacks one."""
    from store import ledger

    answer = ledger.query(workspace.paths, SUMMARY_SQL)
    return msgspec.convert(dict(zip(answer.columns, answer.rows[0], strict=True)), Summary)


def scores(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """The score of each variant and baseline on the suite when it was last measured, from the ledger."""
    from store import ledger

    answer = ledger.query(workspace.paths, SCORES_SQL)
    for row in answer.rows:
        yield dict(zip(answer.columns, row, strict=True))


SUMMARY_SQL = f"""
WITH score AS (
    SELECT variant, arg_max(s.score, r.created) AS score, arg_max(s.stderr, r.created) AS stderr,
        arg_max(s.n, r.created) AS n, arg_max(s.checks['exact'], r.created) AS exact,
        arg_max(s.checks['json_schema'], r.created) AS schema_valid
    FROM eval_scores s JOIN runs r USING (run_id) WHERE NOT baseline GROUP BY variant),
train AS (SELECT run_id FROM runs WHERE kind = 'train' ORDER BY created DESC LIMIT 1),
step AS (SELECT * FROM steps WHERE run_id = (FROM train)),
trace AS (SELECT * FROM traces ORDER BY time DESC LIMIT 1)
SELECT
    (SELECT exact FROM score WHERE variant = '{BASE}') AS base_exact,
    (SELECT exact FROM score WHERE variant = '{TUNED}') AS tuned_exact,
    (SELECT stderr FROM score WHERE variant = '{BASE}') AS base_stderr,
    (SELECT stderr FROM score WHERE variant = '{TUNED}') AS tuned_stderr,
    (SELECT schema_valid FROM score WHERE variant = '{TUNED}') AS schema_valid,
    (SELECT n FROM score WHERE variant = '{TUNED}') AS cases,
    export.verdict AS ship, export.token_ids_equal, export.greedy_agreement,
    (SELECT max(step) FROM step) AS steps,
    (SELECT avg(loss) FROM step WHERE step <= 10) AS first_loss,
    (SELECT avg(loss) FROM step WHERE step > (SELECT max(step) FROM step) - 10) AS last_loss,
    (SELECT median(tokens_per_second) FROM step) AS tokens_per_second,
    (SELECT question FROM trace) AS question,
    (SELECT answer FROM trace) AS answer,
    (SELECT count(*) FROM retrieval WHERE trace_id = (SELECT trace_id FROM trace)) AS passages,
    (SELECT coalesce(list(DISTINCT doc ORDER BY doc), []) FROM retrieval
        WHERE trace_id = (SELECT trace_id FROM trace) AND cited) AS cited,
    (SELECT coalesce(arg_min(text, rank), '') FROM retrieval
        WHERE trace_id = (SELECT trace_id FROM trace)) AS best_passage,
    (SELECT epoch(greatest(max(ended), (SELECT time FROM trace))) - epoch(min(created)) FROM runs) AS seconds
FROM exports export JOIN runs USING (run_id) ORDER BY runs.created DESC LIMIT 1
"""

SCORES_SQL = """
SELECT s.variant, any_value(s.baseline) AS baseline, arg_max(s.n, r.created) AS n,
    arg_max(s.score, r.created) AS score, arg_max(s.stderr, r.created) AS stderr,
    arg_max(s.checks['json_schema'], r.created) AS schema_valid
FROM eval_scores s JOIN runs r USING (run_id) GROUP BY s.variant ORDER BY min(r.created), baseline DESC
"""
