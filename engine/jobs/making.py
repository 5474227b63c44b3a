"""The GGUF files of an export: in one pass where that knows the model, else merged, converted, quantised.

Both ways write the same bytes. Types that need an importance matrix are quantised from the float file of
either. Everything goes into the folder that is given; knows nothing of checks and final names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.export import quantise
from engine.export.convert import native_type, to_gguf
from engine.jobs import leftovers
from engine.jobs.calibration import Calibration
from engine.jobs.context import JobContext
from engine.models.directory import ModelDirectory
from store.errors import TemperError

HEADROOM = 1.05  # of the estimated bytes: metadata and a merged model's small files


def make_files(
    context: JobContext,
    base: ModelDirectory,
    adapter: Path | None,
    made: Mapping[str, Path],
    scratch: Path,
    metadata: dict[str, str | int],
    calibration: Calibration,
    keep_merged: bool = False,
) -> Path | None:
    """Write every path of `made`, by type. With `keep_merged` the merged model's folder is given back.

    Raises Stopped when the user asked for it, and what merge, converter and quantiser raise.
    """
    native, name = native_type(base), shown_name(made)
    rounded = [kind for kind in made if kind in quantise.IMPORTANCE_TYPES]
    plain = {kind: file for kind, file in made.items() if kind not in rounded}
    if rounded:
        plain.setdefault(native, scratch / "native.gguf")
    merged = None
    if keep_merged or not made_at_once(context, base, adapter, plain, name, metadata):
        merged = make_in_steps(context, base, adapter, plain, scratch, name, metadata)
    importance = calibration.importance(context, plain[native], rounded) if rounded else None
    for kind in rounded:
        with percent(context, f"quantise to {kind}", expected(base, kind)) as advance:
            quantise.quantise(plain[native], made[kind], kind, advance, importance)
    return merged


def made_at_once(
    context: JobContext,
    base: ModelDirectory,
    adapter: Path | None,
    made: Mapping[str, Path],
    name: str,
    metadata: dict[str, str | int],
) -> bool:
    """Write all files in one pass over the weights; False where that is not for this model, and told so."""
    from engine.export.onepass.export import check_known, export_once
    from engine.export.onepass.probe import OutsideOnePassError

    what = next(iter(made)) if len(made) == 1 else f"{len(made)} types"
    try:
        check_known(base, made)
        with percent(context, f"make {what}", sum(expected(base, kind) for kind in made)) as advance:
            called = leftovers.merged_folder(Path()).name
            export_once(base, adapter, made, name, advance, metadata, called)
    except OutsideOnePassError as error:
        context.notice("Made in three steps", f"One pass is not for this: {error}.")
        return False
    return True


def make_in_steps(
    context: JobContext,
    base: ModelDirectory,
    adapter: Path | None,
    made: Mapping[str, Path],
    scratch: Path,
    name: str,
    metadata: dict[str, str | int],
) -> Path | None:
    """Merge if there is an adapter, convert to each float type, quantise from the base's own; the merge."""
    source, merged = base, None
    if adapter is not None:
        from engine.export.merge import merge

        with percent(context, "merge", stored(base)) as wrote:
            merged = merge(base, adapter, leftovers.merged_folder(scratch), wrote=wrote)
        source = ModelDirectory(merged)
    native = native_type(base)
    floats = {quantise.float_type(kind): file for kind, file in made.items() if kind in quantise.FLOAT_TYPES}
    if len(floats) < len(made):
        floats.setdefault(native, scratch / "native.gguf")
    for kind, file in floats.items():
        with percent(context, f"convert to {kind}", expected(base, kind)) as advance:
            to_gguf(source.path, file, kind, name, advance, metadata)
    for wanted, file in made.items():
        if wanted not in quantise.FLOAT_TYPES:
            with percent(context, f"quantise to {wanted}", expected(base, wanted)) as advance:
                quantise.quantise(floats[native], file, wanted, advance)
    return merged


def shown_name(made: Mapping[str, Path]) -> str:
    """What the GGUF calls its model: the files' common name without the type."""
    kind, file = next(iter(made.items()))
    return file.name.removesuffix(f"-{kind}.gguf")


def expected(base: ModelDirectory, kind: str) -> int:
    """About how many bytes a file of that type gets."""
    return quantise.expected_bytes(base.parameters, kind)


def stored(base: ModelDirectory) -> int:
    """The bytes of the base's weights."""
    return sum(shard.stat().st_size for shard in base.shards)


def check_disk(
    base: ModelDirectory, adapter: Path | None, kinds: list[str], out: Path, keep_merged: bool = False
) -> None:
    """Raise TemperError when what the export writes would not fit."""
    need = needed(base, adapter, kinds, keep_merged)
    free = shutil.disk_usage(out).free
    if free < need:
        raise TemperError(
            "The disk is too small for the export",
            f"{need / 1e9:.1f} GB are needed in {out} while it runs, {free / 1e9:.1f} GB are free.",
            "Free some space, or export to another disk with --out.",
        )


def needed(base: ModelDirectory, adapter: Path | None, kinds: list[str], keep_merged: bool) -> int:
    """Bytes on the disk at once; three steps need the merged model and its float file, too."""
    from engine.export.onepass.export import check_known
    from engine.export.onepass.probe import OutsideOnePassError

    native, rounded = native_type(base), set(kinds) & set(quantise.IMPORTANCE_TYPES)
    files = set(kinds) | ({native} if rounded else set())
    try:
        check_known(base, dict.fromkeys(files - rounded, Path()))
        steps = keep_merged
    except OutsideOnePassError:
        steps = True
    if steps and files - set(quantise.FLOAT_TYPES):
        files.add(native)
    need = sum(expected(base, kind) for kind in files)
    return int((need + (stored(base) if steps and adapter else 0)) * HEADROOM)


@contextmanager
def percent(context: JobContext, phase: str, whole: int) -> Iterator[Callable[[int], None]]:
    """Progress of a phase by the bytes that it has written, of about `whole`."""
    meter = context.progress(phase, 100)
    shown = 0

    def advance(written: int) -> None:
        nonlocal shown
        context.check_stop()
        done = min(99, written * 100 // max(1, whole))
        if done > shown:
            shown = done
            meter.advance(done)

    yield advance
    meter.advance(100)
