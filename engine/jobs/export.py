"""The job `export`: a run, kept adapter or model becomes GGUF files, each checked against what was trained.

Files get their final names once they are whole and checked; one that the check blocks is kept too, and the
report beside it says so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from engine.export import gguf_cache, quantise
from engine.export.convert import native_type, to_gguf
from engine.jobs import examining, leftovers, mixing, provenance
from engine.jobs.calibration import Calibration
from engine.jobs.context import JobContext
from engine.models.adapters import PASSPORT, WEIGHTS, read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts, describe
from store import atomic, datasets
from store.errors import TemperError, UsageError
from store.hashing import sha256_of_file
from store.records.data import Example
from store.records.exports import ExportedFile, ExportResult, Mix, ShipCheck
from store.workspace import Workspace

HEADROOM = 1.05  # of the estimated bytes: metadata and a merged model's small files


class ExportParams(msgspec.Struct):
    """What to export: a training run (id, prefix, `last`), a kept adapter, a variant or a model.

    `types` are GGUF types. `out` is a folder, relative to the workspace; the run's own when None. With a
    `mix` of adapters `source` is empty. `suite` judges the files; one of the run's own data when None.
    `adapter_only`: the adapter as a file of its own, for a GGUF of the base.
    """

    source: str
    types: list[str]
    out: str | None = None
    mix: Mix | None = None
    suite: str | None = None
    adapter_only: bool = False


def run(context: JobContext) -> dict[str, Any]:
    """Merge, convert, quantise, check, publish; the result is an ExportResult."""
    from engine.export.ship.check import worst  # brings torch: only here, with the device ours

    params = context.params(ExportParams)
    if params.adapter_only:
        from engine.jobs import adapter_export  # imports this module

        return adapter_export.run(context, params)
    workspace = context.workspace()
    parts = mixing.describe_mix(workspace, params.mix) if params.mix else describe(workspace, params.source)
    base = check_source(workspace, parts)
    out = out_folder(workspace, params, context.folder.artifacts)
    stem = mixing.stem(params.mix) if params.mix else file_stem(workspace, parts)
    names = {kind: f"{stem}-{kind}.gguf" for kind in params.types}
    check_new(out, names.values())
    check_disk(base, parts, params.types, out)
    scratch = out / f"{leftovers.SCRATCH}{context.spec.run_id}"
    scratch.mkdir()
    try:
        trained_on = one_adapter(context, workspace, params, parts, scratch)
        adapter_sha256 = sha256_of_file(parts.adapter / WEIGHTS) if parts.adapter else ""
        if parts.adapter is not None:
            leftovers.adopt_merge(workspace, base, parts.adapter, out, scratch)
        leftovers.remove(workspace, out, scratch)
        made = {kind: scratch / name for kind, name in names.items()}
        origin, metadata = provenance.find_origin(workspace, base, trained_on, params.mix)
        calibration = Calibration(workspace, base, parts, trained_on)
        make_files(context, base, parts, made, scratch, metadata, calibration)
        checks = check_files(context, workspace, base, parts, made, trained_on, params.suite)
        # `last` will be another run by the time somebody reads this
        source = parts.run_id if parts.run_id and params.source == "last" else params.source
        adapter = stem if parts.adapter and not params.mix else ""
        result = ExportResult(context.spec.run_id, source, [], worst(checks), adapter, params.mix)
        for (kind, file), check in zip(made.items(), checks, strict=True):
            result.files.append(publish(workspace, base, parts, file, out / names[kind], kind, check))
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    adapter = str(parts.adapter or "") if can_be_named(parts) else ""
    passport = provenance.write_passport(base, adapter, adapter_sha256, context.device, origin, result, out)
    tell(context, result, passport)
    return dict(msgspec.to_builtins(result))


def check_source(workspace: Workspace, parts: Parts) -> ModelDirectory:
    """The base of what is exported. Raises UsageError or MissingError where it cannot be."""
    if parts.model.suffix == ".gguf":
        raise UsageError(
            "A GGUF file is exported already",
            f"{parts.model} is a GGUF.",
            "Name the Hugging Face directory that it was made from.",
        )
    base = ModelDirectory(parts.model)
    if parts.adapter is not None:
        gguf_cache.check_base(workspace.paths, base, parts.adapter)
    return base


def out_folder(workspace: Workspace, params: ExportParams, default: Path) -> Path:
    """Where the files go, made if it is not there."""
    out = workspace.path(params.out) if params.out else default
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    return out


def file_stem(workspace: Workspace, parts: Parts) -> str:
    """What the files are called: the kept adapter, the training run or the model's folder."""
    if parts.adapter is None:
        return parts.run_id or parts.model.name
    if parts.adapter.parent == workspace.paths.adapters:
        return parts.adapter.name
    return read_passport(parts.adapter).run_id


def check_new(out: Path, names: Iterable[str]) -> None:
    """Raise UsageError when a file of that name is there already."""
    for path in (path for name in names for path in (out / name, blocked(out / name))):
        if path.exists():
            raise UsageError(
                "The file is there already", f"{path} exists.", "Remove it, or name another --out."
            )


def check_disk(base: ModelDirectory, parts: Parts, types: Sequence[str], out: Path) -> None:
    """Raise TemperError when what the export writes would not fit."""
    weights = base.parameters
    kinds = [*types, native_type(base)] if set(types) - set(quantise.FLOAT_TYPES) else list(types)
    need = sum(quantise.expected_bytes(weights, kind) for kind in dict.fromkeys(kinds))
    if parts.adapter is not None:
        need += sum(shard.stat().st_size for shard in base.shards)
    need = int(need * HEADROOM)
    free = shutil.disk_usage(out).free
    if free < need:
        raise TemperError(
            "The disk is too small for the export",
            f"{need / 1e9:.1f} GB are needed in {out} while it runs, {free / 1e9:.1f} GB are free.",
            "Free some space, or export to another disk with --out.",
        )


def one_adapter(
    context: JobContext, workspace: Workspace, params: ExportParams, parts: Parts, scratch: Path
) -> list[Path]:
    """Put one adapter into `parts` where several are to be combined. The folders of those trained."""
    if params.mix is None:
        return [parts.adapter] if parts.adapter else []
    parts.adapter = mixing.combined(workspace, params.mix, scratch / "adapter")
    if differing := mixing.differing(workspace, params.mix):
        context.notice("Combined adapters", differing, warn=True)
    return mixing.folders(workspace, params.mix)


def make_files(
    context: JobContext,
    base: ModelDirectory,
    parts: Parts,
    made: dict[str, Path],
    scratch: Path,
    metadata: dict[str, str | int],
    calibration: Calibration,
) -> None:
    """Merge if there is an adapter, convert to each float type, quantise from the base's own type."""
    source = base
    if parts.adapter is not None:
        from engine.export.merge import merge

        merged = leftovers.merged_folder(scratch)
        with percent(context, "merge", sum(shard.stat().st_size for shard in base.shards)) as wrote:
            source = ModelDirectory(merge(base, parts.adapter, merged, wrote=wrote))
    weights = base.parameters
    native = native_type(base)
    floats = {quantise.float_type(kind): file for kind, file in made.items() if kind in quantise.FLOAT_TYPES}
    if len(floats) < len(made):
        floats.setdefault(native, scratch / "native.gguf")
    name = shown_name(made)
    for kind, file in floats.items():
        with percent(context, f"convert to {kind}", quantise.expected_bytes(weights, kind)) as advance:
            to_gguf(source.path, file, kind, name, advance, metadata)
    importance = calibration.importance(context, next(iter(floats.values())), list(made))
    for wanted, file in made.items():
        if wanted not in quantise.FLOAT_TYPES:
            with percent(
                context, f"quantise to {wanted}", quantise.expected_bytes(weights, wanted)
            ) as advance:
                quantise.quantise(floats[native], file, wanted, advance, importance)


def shown_name(made: dict[str, Path]) -> str:
    """What the GGUF calls its model: the files' common name without the type."""
    kind, file = next(iter(made.items()))
    return file.name.removesuffix(f"-{kind}.gguf")


@contextmanager
def percent(context: JobContext, phase: str, expected: int) -> Iterator[Callable[[int], None]]:
    """Progress of a phase by the bytes that it has written, of about `expected`."""
    meter = context.progress(phase, 100)
    shown = 0

    def advance(written: int) -> None:
        nonlocal shown
        context.check_stop()
        done = min(99, written * 100 // max(1, expected))
        if done > shown:
            shown = done
            meter.advance(done)

    yield advance
    meter.advance(100)


def check_files(
    context: JobContext,
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    made: dict[str, Path],
    trained_on: Sequence[Path],
    suite: str | None = None,
) -> list[ShipCheck]:
    """The ship check of every file, in their order."""
    from engine.export.material import material_for
    from engine.export.ship.check import ship_check

    rows, asked, note = training_rows(workspace, trained_on)
    material = material_for(base, parts.template, parts.system, rows, asked)
    loaded = examining.suite_for(workspace, suite, trained_on)
    material.exam, amiss = examining.exam_of(workspace, base, parts, loaded)
    material.notes += [one for one in (note, amiss) if one]
    meter = context.progress("check", material.steps * len(made))
    files = [(file, kind) for kind, file in made.items()]
    recipe = read_passport(trained_on[0]).recipe if len(trained_on) == 1 else None
    four_bit = recipe if recipe and recipe.method == "qlora" else None
    return ship_check(files, base, parts.adapter, material, meter.advance, four_bit)


def training_rows(workspace: Workspace, adapters: Sequence[Path]) -> tuple[list[Example], list[Example], str]:
    """All rows of the adapters' datasets, those to ask (held out where there are any), and what is amiss."""
    rows: list[Example] = []
    asked: list[Example] = []
    for name in dict.fromkeys(read_passport(adapter).dataset for adapter in adapters):
        try:
            found = datasets.read_rows(workspace.paths, f"{name}/all")
        except TemperError as error:
            note = f"Checked on general texts only, without the rows it was trained on: {error.happened}"
            return [], [], note
        rows += found
        asked += [row for row in found if row.split != "train"] or found
    return rows, asked, ""


def publish(
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    file: Path,
    target: Path,
    kind: str,
    check: ShipCheck,
) -> ExportedFile:
    """Give a checked file its final name and let variants use it; a blocked one is kept, and called so."""
    if check.verdict == "BLOCK":
        target = blocked(target)
    exported = ExportedFile(str(target), kind, file.stat().st_size, sha256_of_file(file), check)
    for tensor in quantise.fallbacks(file, kind):
        exported.fallbacks.setdefault(tensor.type, []).append(tensor.name)
    os.replace(file, target)
    atomic.sync_directory(target.parent)
    if check.verdict != "BLOCK" and can_be_named(parts):
        gguf_cache.remember(workspace.paths, base, parts.adapter, target, kind)
    return exported


def blocked(target: Path) -> Path:
    """What a file is called that the check has blocked."""
    return target.with_suffix(f".BLOCKED{target.suffix}")


def can_be_named(parts: Parts) -> bool:
    """Whether a variant could ask for it: a combined adapter has no name."""
    return parts.adapter is None or (parts.adapter / PASSPORT).is_file()


def tell(context: JobContext, result: ExportResult, passport: Path) -> None:
    """The files as artifacts, and every reason of a verdict that is not SHIP."""
    for file in result.files:
        path = Path(file.path)
        context.artifact(path.name, path, "gguf", file.sha256)
        if file.ship_check and file.ship_check.verdict != "SHIP":
            reasons = " ".join(file.ship_check.reasons)
            context.notice(f"{path.name}: {file.ship_check.verdict}", reasons, warn=True)
    context.artifact(passport.name, passport, "report")
