"""The job `check`: a dataset version through all checks, to a stored report.

Takes the GPU only to ask the model what it knows already; the embedder works on the processor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from engine.data.checks.contract import Embed
from engine.data.checks.run import check
from engine.jobs.context import JobContext, Phases
from engine.jobs.queue import device_name, wait_for_device
from store.leases import DeviceLease, Holder
from store.records.events import Queued
from store.records.findings import CheckSettings


class CheckParams(msgspec.Struct):
    """What to check, with which settings (engine.data.checks.asking makes them)."""

    reference: str
    settings: CheckSettings


def run(context: JobContext) -> dict[str, Any]:
    """Check; the result is {dataset, version, rows, verdict, findings, skipped, sha256, seconds}.

    Findings are counts by id here; all there is of them stands in the report that `sha256` names.
    """
    params = context.params(CheckParams)
    workspace = context.workspace()
    with ExitStack() as stack:
        if params.settings.known:
            stack.enter_context(device(context))
        embed = stack.enter_context(embedder(context, params.settings))
        report = check(workspace.paths, params.reference, params.settings, Phases(context).advance, embed)
    return {
        "dataset": report.dataset,
        "version": report.version,
        "rows": report.rows,
        "verdict": report.verdict,
        "findings": {finding.id: finding.count for finding in report.findings},
        "skipped": [skipped.check for skipped in report.skipped],
        "sha256": report.sha256,
        "seconds": report.seconds,
    }


@contextmanager
def embedder(context: JobContext, settings: CheckSettings) -> Iterator[Embed | None]:
    """The embedder of the settings, None where they want none. Raises MissingError if it is not there."""
    if not settings.embeddings:
        yield None
        return
    # Only here, in the worker: these load llama.cpp.
    from engine.inference.embedder import Embedder
    from engine.retrieval.sources import BUILTIN_EMBEDDER, embedder_path

    with Embedder(embedder_path(context.workspace(), settings.embedder or BUILTIN_EMBEDDER)) as opened:
        yield opened.embed


@contextmanager
def device(context: JobContext) -> Iterator[None]:
    """The GPU, queued for, and given back."""
    lease = DeviceLease(device_name())
    spec = context.spec

    def on_wait(holder: Holder) -> None:
        context.emit(Queued(device=lease.device, holder=holder.what, since=holder.since))
        context.notice(f"Waiting for {lease.device}", f"{holder.what or 'another program'} has it.")

    wait_for_device(
        lease, lambda: lease.acquire(os.getpid(), spec.run_id, spec.workspace), on_wait, context.check_stop
    )
    try:
        yield
    finally:
        lease.release()
