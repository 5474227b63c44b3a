"""The job `kb_questions`: a model of the workspace writes questions about a knowledge base, to be reviewed.

On the processor, as an ingest: it does not queue for the GPU.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from engine.jobs.context import JobContext, Phases
from engine.retrieval.checking.question_files import write_questions
from store import knowledge
from store.errors import TemperError, UsageError
from store.workspace import Workspace


class KbQuestionsParams(msgspec.Struct):
    """How many questions about which knowledge base, by which model, into which new file."""

    kb: str
    count: int
    model: str
    out: str
    seed: int = 0


def model_for(workspace: Workspace, kb: str, asked: str | None) -> str:
    """The model that writes: the one named, that of the knowledge base, the default variant's.

    Raises UsageError where there is none.
    """
    settings = workspace.knowledge(kb)
    named = asked or settings.search.query_model or settings.context_model
    if found := named or workspace.config.defaults.variant:
        return found
    raise UsageError(
        "Which model writes the questions?",
        f"[knowledge.{kb}] names no context_model, and [defaults] no variant.",
        f"Name one: temper kb check --kb {kb} --generate 30 --model M",
    )


def run(context: JobContext) -> dict[str, Any]:
    """Write them; the result is {kb, questions, left_out: {reason: count}, out}. Raises TemperError."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from engine.retrieval.checking.generating import write_all
    from engine.retrieval.context_model import ContextModel

    params = context.params(KbQuestionsParams)
    workspace = context.workspace()
    with knowledge.open_generation(workspace.paths, params.kb) as generation:
        chunks = generation.chunks()
    advance = Phases(context).advance
    with ContextModel(workspace, params.model, context.notice) as model:
        written = write_all(
            chunks,
            params.count,
            model.write,
            params.seed,
            lambda done, total: advance("write", done, total),
        )
    told = ", ".join(f"{count} {reason}" for reason, count in written.left_out.items()) or "none was tried"
    if not written.questions:
        raise TemperError(
            "The model wrote no question that can be used",
            f"{params.model}: {told}.",
            "Name a larger model with --model M, or write questions by hand.",
        )
    out = Path(params.out)
    write_questions(out, params.kb, written.questions)
    if written.left_out:
        context.notice("Some answers were left out", told)
    return {
        "kb": params.kb,
        "questions": len(written.questions),
        "left_out": written.left_out,
        "out": str(out),
    }
