"""Results on the disk: one JSON a step, committed. A rehearsal is marked as one and never counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.gpu.plan import ROOT, Step

RESULTS = ROOT / "docs" / "gpu"
REHEARSALS = ROOT / "build" / "gpu" / "rehearsal"
FINISHED = ("passed", "missed", "failed")
"""A step in one of these has been run to its end; `broken` and `cannot run` have not."""


def file_of(folder: Path, step: Step) -> Path:
    """Where a step's record lies."""
    return folder / step.stage / f"{step.name}.json"


def read(folder: Path, step: Step) -> dict[str, Any] | None:
    """A step's record; None where there is none that can be read."""
    try:
        found = json.loads(file_of(folder, step).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write(folder: Path, step: Step, record: dict[str, Any]) -> None:
    """Keep a record, whole or not at all. Refuses to put a rehearsal among the results."""
    if record["rehearsal"] and folder.resolve() == RESULTS:
        raise ValueError(f"a rehearsal of {step.id} is no result: it does not belong into {RESULTS}")
    file = file_of(folder, step)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".part")
    half.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    half.replace(file)


def stands(record: dict[str, Any] | None, step: Step, device: dict[str, Any], rehearse: bool) -> bool:
    """Whether a record is of this code on this device, run to its end, and of the kind that is wanted."""
    return (
        record is not None
        and record.get("state") in FINISHED
        and record.get("rehearsal") is rehearse
        and record.get("code") == step.code()
        and (record.get("device") or {}).get("name") == device["name"]
    )
