"""A run's passport: of an export the file beside its files, of training that of its weights."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.jobs import evaluations
from engine.models.adapters import PASSPORT, adapter_folder, model_folder
from engine.models.variants import describe
from store.errors import MissingError, TemperError
from store.records.passports import ExportPassport
from store.records.runs import RunView
from store.runs import RunFolder
from store.workspace import Workspace


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


def shown_passport(workspace: Workspace, folder: RunFolder, view: RunView) -> str:
    """The passport as JSON; an export's with what evaluations have said since. Raises as `find_passport`."""
    file = find_passport(folder, view)
    text = file.read_text(encoding="utf-8").rstrip()
    try:
        passport = msgspec.json.decode(text, type=ExportPassport)
        parts = describe(workspace, passport.result.adapter or passport.result.source)
    except (msgspec.MsgspecError, TemperError):  # of training, or what was exported is gone
        return text
    known = {(score.suite, score.variant, score.run_id) for score in passport.scores}
    later = [
        score
        for score in evaluations.scores_of(workspace, parts, passport.created)
        if (score.suite, score.variant, score.run_id) not in known
    ]
    if not later:
        return text
    passport.scores += later
    return msgspec.json.format(msgspec.json.encode(passport)).decode()
