"""Which file is a run's passport: of an export the one beside its files, of training that of its weights."""

from __future__ import annotations

from pathlib import Path

from engine.models.adapters import PASSPORT, adapter_folder, model_folder
from store.errors import MissingError
from store.records.runs import RunView
from store.runs import RunFolder


def find_passport(folder: RunFolder, view: RunView) -> Path:
    """The passport of a run. Raises MissingError where it has none, or none any more."""
    told = [folder.path / one.path for one in view.artifacts if one.type == "report"]
    candidates = told if view.kind == "export" else []
    if view.kind == "train":
        candidates = [adapter_folder(folder.path) / PASSPORT, model_folder(folder.path) / PASSPORT]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        moved = f" {candidates[0]} is not there any more." if told else ""
        raise MissingError(
            "The run has no passport",
            f"{view.run_id} is a run of {view.kind}, {view.state}.{moved}",
            "Exports and training runs have one once they have finished.",
        )
    return found
