"""The job `export`: a run, kept adapter or model becomes files for use elsewhere, each checked.

Files get their final names once they are whole and checked; one that the check blocks is kept too, under a
name that says so, and the report beside it says why.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.jobs import (
    climbing,
    examining,
    foreseeing,
    handing,
    leftovers,
    making,
    mixing,
    provenance,
    publishing,
)
from engine.jobs.calibration import Calibration
from engine.jobs.context import JobContext
from engine.jobs.export_request import ExportParams, check_source
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts, describe
from store import atomic
from store.hashing import sha256_of_file
from store.records.exports import ExportResult, ShipCheck
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.ship.asked import Material


def run(context: JobContext) -> dict[str, Any]:
    """Make, check, publish, hand over; the result is an ExportResult."""
    params = context.params(ExportParams)
    if params.adapter_only:
        from engine.jobs import adapter_export  # imports this module

        return adapter_export.run(context, params)
    workspace = context.workspace()
    parts = mixing.describe_mix(workspace, params.mix) if params.mix else describe(workspace, params.source)
    base = check_source(workspace, parts)
    out = publishing.out_folder(workspace, params.out, context.folder.artifacts)
    export = Export(context, workspace, params, parts, base, out)
    export.prepare()
    scratch = out / f"{leftovers.SCRATCH}{context.spec.run_id}"
    scratch.mkdir()
    try:
        result = export.make(scratch)
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return dict(msgspec.to_builtins(result))


class Export:
    """One export, from what was asked to its result."""

    def __init__(
        self,
        context: JobContext,
        workspace: Workspace,
        params: ExportParams,
        parts: Parts,
        base: ModelDirectory,
        out: Path,
    ) -> None:
        self.context, self.workspace, self.params = context, workspace, params
        self.parts, self.base, self.out = parts, base, out
        self.stem = foreseeing.stem_of(workspace, params, parts)
        self.names = foreseeing.names_of(params, self.stem)
        self.keeps_merged = handing.reads_weights(params.tools, parts)

    def prepare(self) -> None:
        """Raise what would end the export only later: taken names, a full disk, an unfit tool."""
        foreseeing.check(self.workspace, self.params, self.parts, self.base, self.out)
        making.check_disk(self.base, self.parts.adapter, self.params.types, self.out, self.keeps_merged)

    def make(self, scratch: Path) -> ExportResult:
        """Everything, by way of the folder `scratch`."""
        context, workspace, base, parts = self.context, self.workspace, self.base, self.parts
        trained_on = one_adapter(context, workspace, self.params, parts, scratch)
        adapter_sha256 = sha256_of_file(parts.adapter / WEIGHTS) if parts.adapter else ""
        if parts.adapter is not None:
            leftovers.adopt_merge(workspace, base, parts.adapter, self.out, scratch)
        leftovers.remove(workspace, self.out, scratch)
        made = {kind: scratch / name for kind, name in self.names.items()}
        origin, metadata = provenance.find_origin(workspace, base, trained_on, self.params.mix)
        calibration = Calibration(workspace, base, parts, trained_on)
        merged = making.make_files(
            context, base, parts.adapter, made, scratch, metadata, calibration, self.keeps_merged
        )
        material = examining.material_of(workspace, base, parts, trained_on, self.params.suite)
        checks = examining.check_files(context, base, parts, made, material, trained_on)
        result = self.result_of(checks)
        if self.params.ladder:
            result.ladder = climbing.measure(context, base, made, checks, material)
            kept = climbing.kept(result.ladder)
            made, checks = {kept: made[kept]}, [checks[list(made).index(kept)]]
        weights = self.check_weights(merged, material)
        self.publish(result, made, checks, merged, weights)
        passport = provenance.write_passport(
            workspace, base, parts, adapter_sha256, context.device, origin, result, self.out
        )
        publishing.tell(context, result, passport)
        return result

    def result_of(self, checks: Sequence[ShipCheck]) -> ExportResult:
        """The result before any file has its name."""
        # `last` will be another run by the time somebody reads this
        asked, parts = self.params.source, self.parts
        source = parts.run_id if parts.run_id and asked == "last" else asked
        adapter = self.stem if parts.adapter and not self.params.mix else ""
        return ExportResult(self.context.spec.run_id, source, [], checks[0], adapter, self.params.mix)

    def check_weights(self, merged: Path | None, material: Material) -> ShipCheck | None:
        """The ship check of the merged model, where it is kept."""
        if merged is None or self.parts.adapter is None or not self.keeps_merged:
            return None
        return examining.check_merged(self.context, self.base, self.parts.adapter, merged, material)

    def publish(
        self,
        result: ExportResult,
        made: dict[str, Path],
        checks: list[ShipCheck],
        merged: Path | None,
        weights: ShipCheck | None,
    ) -> None:
        """Give the files their names, write what the tools need; all of it into the result."""
        from engine.export.ship.check import worst  # brings torch

        for (kind, file), check in zip(made.items(), checks, strict=True):
            target = self.out / self.names[kind]
            result.files.append(
                publishing.publish(self.workspace, self.base, self.parts, file, target, kind, check)
            )
        ggufs, folder = list(result.files), None
        source = handing.source_of(self.base, self.parts, self.stem)
        if merged is not None and weights is not None:
            target = self.out / handing.folder_of(self.stem, "safetensors")
            folder = publishing.name_folder(merged, target, "safetensors", weights)
            source.model = Path(folder.path)
            result.files.append(folder)
        result.ship_check = worst([*checks, weights] if weights else checks)
        result.hand_offs = handing.hand_over(self.context, self.params.tools, source, self.out, folder, ggufs)


def one_adapter(
    context: JobContext, workspace: Workspace, params: ExportParams, parts: Parts, scratch: Path
) -> list[Path]:
    """Put one adapter into `parts` where several are to be combined. The folders of what was trained."""
    if params.mix is None:
        return mixing.trained_on(workspace, None, parts)
    parts.adapter = mixing.combined(workspace, params.mix, scratch / "adapter")
    if differing := mixing.differing(workspace, params.mix):
        context.notice("Combined adapters", differing, warn=True)
    return mixing.trained_on(workspace, params.mix, parts)
