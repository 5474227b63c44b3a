"""What was brought along to the machine: a build of llama.cpp in parts, put where it is looked for.

All of it lies under build/gpu, which git ignores: `wheels` (installed before anything here runs), `parts` of
the build, `llama` unpacked. Knows nothing of how it was built (scripts/gpu/out/build.py).
"""

from __future__ import annotations

import importlib.util
import lzma
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.gpu.bench import Bench, CannotRunError
from scripts.gpu.plan import ROOT

CARRIED = ROOT / "build" / "gpu"
PARTS = "llama-libraries"
PART_BYTES = 15 << 20
"""Files of more than 16 MiB do not come back from the machine."""


def put_in_place(carried: Path = CARRIED) -> list[str]:
    """Unpack the build, put the converter where Temper looks for it; what to add to Python's path."""
    from store.paths import converter_dir

    built = carried / "llama"
    parts = sorted((carried / "parts").glob(f"{PARTS}.*"))
    if not built.is_dir() and parts:
        unpack(parts, built)
    if not built.is_dir():
        return []
    if not converter_dir().exists():
        shutil.copytree(built / "converter", converter_dir())
    return [str(built)]


def pack(folder: Path, parts: Path) -> list[Path]:
    """A folder as a compressed archive in parts that are small enough to come back."""
    parts.mkdir(parents=True, exist_ok=True)
    whole = parts / PARTS
    with lzma.open(whole, "wb", preset=3) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        tar.add(folder, arcname=".")
    made = []
    with whole.open("rb") as file:
        for number, piece in enumerate(pieces(file)):
            made.append(parts / f"{PARTS}.{number:03}")
            made[-1].write_bytes(piece)
    whole.unlink()
    return made


def pieces(file: Iterable[bytes]) -> Iterator[bytes]:
    """A file in pieces of PART_BYTES."""
    held = bytearray()
    for chunk in file:
        held += chunk
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)


def unpack(parts: Iterable[Path], target: Path) -> None:
    """Put parts together again; `target` appears whole or not at all."""
    half = target.with_name(f"{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    whole = half.with_suffix(".tar.xz")
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    with lzma.open(whole) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        extract(tar, half, "tar_filter")
    whole.unlink()
    half.rename(target)


def extract(tar: tarfile.TarFile, target: Path, filter_name: str) -> None:
    """Unpack what was packed here, by a filter of `tarfile` where this Python has it (from 3.11.4 on)."""
    if hasattr(tarfile, filter_name):
        tar.extraction_filter = getattr(tarfile, filter_name)
    tar.extractall(target)


def need_llama(bench: Bench) -> None:
    """Raise CannotRunError where llama.cpp is missing, or cannot use the card that there is."""
    if importlib.util.find_spec("llama_cpp") is None:
        raise CannotRunError("llama-cpp-python is not here: run the step out.build first, or carry its parts")
    import llama_cpp

    if not bench.rehearse and not llama_cpp.llama_supports_gpu_offload():
        raise CannotRunError("this llama.cpp has no CUDA: run the step out.build first, or carry its parts")
