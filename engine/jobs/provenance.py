"""The origin and the passport of an export: put together from the workspace, written beside the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.export import gguf_cache
from engine.export.origin import metadata_of, origin_of, origin_sha256
from engine.jobs import evaluations
from engine.jobs.versions import versions
from engine.models.adapters import read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store import atomic, clock
from store.records.exports import ExportResult, Mix
from store.records.passports import ExportPassport, Origin, Score
from store.workspace import Workspace


def find_origin(
    workspace: Workspace, base: ModelDirectory, trained_on: Sequence[Path], mix: Mix | None
) -> tuple[Origin, dict[str, str | int]]:
    """What an export is made from, and what its GGUF files say of that."""
    fingerprint = gguf_cache.fingerprint(workspace.paths, base)
    passports = [read_passport(one) for one in trained_on]
    origin = origin_of(base, fingerprint, passports, versions(), mix)
    if base.path in trained_on:  # all of it was trained: its own base is the one of that run
        origin.base = passports[0].base
    return origin, metadata_of(origin)


def write_passport(
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    adapter_sha256: str,
    device: str,
    origin: Origin,
    result: ExportResult,
    out: Path,
) -> Path:
    """Put the passport beside the files as RUN.json. A combined adapter has no path and no evaluations."""
    named = not result.mix
    since = read_passport(parts.adapter).created if named and parts.adapter else ""
    evaluated = evaluations.scores_of(workspace, parts, since) if named else []
    passport = ExportPassport(
        created=clock.stamp(),
        base=str(base.path),
        base_sha256=origin.base_sha256,
        adapter=str(parts.adapter or "") if named else "",
        adapter_sha256=adapter_sha256,
        versions=versions(),
        result=result,
        origin=origin,
        origin_sha256=origin_sha256(origin),
        device=device,
        scores=[*scores_of(result), *evaluated],
    )
    path = out / f"{result.run_id}.json"
    atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(passport)))
    return path


def scores_of(result: ExportResult) -> list[Score]:
    """What the files scored on the suite that the ship check asked, where there was one."""
    found = []
    for file in result.files:
        check = file.ship_check
        if check is not None and check.suite_score is not None:
            score, reference = check.suite_score, check.suite_reference
            found.append(Score(file.type, check.suite, check.suite_cases, score, reference))
    return found
