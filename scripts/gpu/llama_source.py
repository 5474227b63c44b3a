"""Packs what llama.cpp needs to be built with CUDA elsewhere: `python -m scripts.gpu.llama_source`.

The pinned archive of llama-cpp-python unpacks to 216 MB, most of which are models, documents and backends
for other hardware. What stays is compiled or runs: the package, llama.cpp itself, ggml for processor and
CUDA, the converter. The build is scripts/gpu/out/build.py's.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from scripts.gpu.plan import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from set_up.llama import ARCHIVE_SHA256, CONVERTER, PACKAGE  # where set-up's modules lie
from set_up.packages import pinned

NAME = "llama-source.tar.xz"
LLAMA = ("CMakeLists.txt", "cmake", "include", "src", "ggml", *CONVERTER)
BACKENDS = ("ggml-cpu", "ggml-cuda")
"""Of the folders ggml/src/ggml-*: the others are never configured."""
LEFT_OUT = ("tests", "examples", "__pycache__")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch, check, strip, pack."""
    parser = argparse.ArgumentParser(prog="python -m scripts.gpu.llama_source")
    parser.add_argument("--archive", type=Path, help="the source archive, where it has been fetched already")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = asked.archive or fetch(Path(scratch))
        check(archive)
        packed = strip(archive, asked.out / NAME)
    print(f"{packed}: {packed.stat().st_size / 2**20:.1f} MiB of {archive.stat().st_size / 2**20:.1f}")
    return 0


def fetch(folder: Path) -> Path:
    """The source archive, as set-up fetches it."""
    wanted = folder / "requirements.txt"
    version = pinned(ROOT / "constraints.txt", PACKAGE)
    wanted.write_text(f"{PACKAGE}=={version} --hash=sha256:{ARCHIVE_SHA256}\n", encoding="utf-8")
    options = ["--no-deps", "--no-build-isolation", "--no-binary", PACKAGE, "--require-hashes"]
    command = [sys.executable, "-m", "pip", "download", "-q", *options, "-d", str(folder), "-r", str(wanted)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.tar.gz"))


def check(archive: Path) -> None:
    """Raise ValueError where it is not the archive that set-up builds from."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != ARCHIVE_SHA256:
        raise ValueError(f"{archive.name} has sha256 {found}, not {ARCHIVE_SHA256}: do not use it")


def strip(archive: Path, out: Path) -> Path:
    """Copy what is kept from one archive into another, without its top folder."""
    with tarfile.open(archive) as old, tarfile.open(out, "w:xz", preset=6) as new:
        for member in old:
            inner = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            content = old.extractfile(member) if kept(inner) else None  # of a hard link what it names
            if content is None:
                continue
            plain = tarfile.TarInfo(str(inner))
            data = content.read()
            plain.size = len(data)
            new.addfile(plain, io.BytesIO(data))
        # the build reads it, and the library links nothing of what it would add
        new.addfile(tarfile.TarInfo("vendor/llama.cpp/vendor/CMakeLists.txt"))
    return out


def kept(path: PurePosixPath) -> bool:
    """Whether a file of the archive is built, runs, or says what may be done with it."""
    parts = path.parts
    if not parts:
        return False
    if any(part in LEFT_OUT for part in parts):
        return False
    if parts[0] == "llama_cpp":
        return parts[1:2] != ("server",)
    if parts[:2] != ("vendor", "llama.cpp"):
        return str(path) in ("LICENSE.md", "pyproject.toml")
    rest = parts[2:]
    if not rest or rest[0] not in LLAMA:
        return False
    if rest[:2] == ("ggml", "src") and len(rest) > 3:
        return not rest[2].startswith("ggml-") or rest[2] in BACKENDS
    return True


if __name__ == "__main__":
    sys.exit(main())
