"""Exporting again: is everything that files were made from still the same, and are the new ones equal?"""

from __future__ import annotations

import msgspec

from engine.jobs import mixing, provenance
from engine.jobs.export_request import ExportParams, check_source
from engine.jobs.passports import find_passport
from engine.models.variants import describe
from store import runs
from store.errors import RefusedError, UsageError
from store.records.exports import ExportResult
from store.records.passports import ExportPassport, Origin
from store.runs import RunFolder
from store.workspace import Workspace

WORDS = {
    "base": "the base's name",
    "base_sha256": "the base: its files are others",
    "template_sha256": "the base's chat template",
    "adapters": "the adapter, or what it was trained on",
    "mix": "how the adapters are combined",
    "licence": "the base's licence",
}


class SameFile(msgspec.Struct):
    """One file then and now, by its sha256."""

    type: str
    sha256: str
    again: str

    @property
    def equal(self) -> bool:
        """Whether every byte is the same."""
        return self.sha256 == self.again


def prepare(workspace: Workspace, folder: RunFolder) -> tuple[ExportParams, ExportPassport]:
    """What is to be exported into a new run's own folder, and the passport of then.

    Raises MissingError or UsageError where the run kept no passport, RefusedError with everything that is
    another now.
    """
    try:
        read = find_passport(folder, runs.view(folder)).read_bytes()
        passport = msgspec.json.decode(read, type=ExportPassport)
    except msgspec.MsgspecError as error:
        raise UsageError("The passport is damaged", f"{folder.run_id}: {error}", "Export it anew.") from error
    then = msgspec.convert(folder.spec().params, ExportParams)
    kinds = [file.type for file in passport.result.files if not file.hashes]
    params = msgspec.structs.replace(then, out=None, ladder=False, types=kinds, tools=[])
    changed = changes(passport.origin, origin_now(workspace, params)) if passport.origin else []
    if changed:
        raise RefusedError(
            f"{folder.run_id} cannot be made again: what it was made from has changed",
            "\n".join(changed),
            f"Bring it back, or export anew: {folder.spec().command or 'temper export'}",
        )
    return params, passport


def origin_now(workspace: Workspace, params: ExportParams) -> Origin:
    """What the same export would be made from now."""
    mix = params.mix
    parts = mixing.describe_mix(workspace, mix) if mix else describe(workspace, params.source)
    base = check_source(workspace, parts)
    return provenance.find_origin(workspace, base, mixing.trained_on(workspace, mix, parts), mix)[0]


def changes(then: Origin, now: Origin) -> list[str]:
    """What is another now; libraries too, since each file names its origin."""
    found = [words for field, words in WORDS.items() if getattr(then, field) != getattr(now, field)]
    for name in sorted(then.versions.keys() | now.versions.keys()):
        old, new = then.versions.get(name, "not there"), now.versions.get(name, "not there")
        if old != new:
            found.append(f"{name} was {old}, is {new}")
    return found


def compare(then: ExportResult, now: ExportResult) -> list[SameFile]:
    """Each GGUF file of then with that of now."""
    again = {file.type: file.sha256 for file in now.files}
    return [
        SameFile(file.type, file.sha256, again.get(file.type, "")) for file in then.files if not file.hashes
    ]
