"""llama.cpp: built from one pinned source archive, once per machine, together with the converter it carries.

The library and the converter come out of the same archive, so they cannot drift apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from set_up.console import SetupError, Step
from set_up.machine import Backend, build_environment, check_build_tools, fingerprint
from set_up.packages import Venv, clean_environment, pinned

PACKAGE = "llama-cpp-python"
ARCHIVE_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
CONVERTER = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "conversion", "gguf-py", "LICENSE")
REVISION = "REVISION.json"

# llama.cpp's helpers for its own command-line programs (and, LLAVA_BUILD, for pictures) are more than half of
# the build and nothing here loads them. The archive forces them on: one word of its build file is changed.
FORCED_ON = 'set(LLAMA_BUILD_COMMON ON CACHE BOOL "Build llama.cpp common library" FORCE)'
CMAKE_ARGS = ["-DLLAVA_BUILD=OFF"]


class Cache:
    """The user's cache folder for what took long to make. Survives the checkout."""

    def __init__(self, backend: Backend) -> None:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self.folder = Path(os.environ.get("TEMPER_CACHE") or Path(base, "temper"))
        self.backend = backend

    def wheel_folder(self, version: str) -> Path:
        """Where the wheel and the converter lie. A native build runs only on a processor like this one.

        The wheel is the same for every Python (py3-none), so Python's version is no part of the name.
        """
        recipe = " ".join([ARCHIVE_SHA256, FORCED_ON, *cmake_arguments(self.backend)])
        made = hashlib.sha256(recipe.encode()).hexdigest()[:8]
        return self.folder / "wheels" / f"{PACKAGE}-{version}-{self.backend.kind}-py3-{fingerprint()}-{made}"

    @contextlib.contextmanager
    def locked(self, step: Step) -> Iterator[None]:
        """One builder per machine: a second checkout waits and then finds the work done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                step.note("another checkout is building; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def install(venv: Venv, cache: Cache, backend: Backend, step: Step) -> None:
    """Put llama.cpp and its converter into the environment, from the cache or built now."""
    version = pinned(venv.constraints, PACKAGE)
    folder = cache.wheel_folder(version)
    target = venv.share / "llama.cpp"
    how = "from the cache"
    with cache.locked(step):
        if not is_whole(folder):
            build(venv, version, folder, backend, step)
            how = "built"
    installed = venv.share / "llama.cpp.installed"
    if how == "built" or not is_same(installed, folder) or not venv.ask("import llama_cpp; print(1)"):
        installed.unlink(missing_ok=True)
        # --no-deps: the packages step brings them, in one resolution with all others
        step.run(venv.pip("install", "--no-deps", "--force-reinstall", str(find_wheel(folder))))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "converter", target)
        installed.write_text(folder.name + "\n")
    step.result(f"{version} for {backend.kind.upper()}, {how} ({folder})")


def is_same(installed: Path, folder: Path) -> bool:
    """Whether what is installed came from `folder`."""
    return installed.is_file() and installed.read_text().strip() == folder.name


def is_whole(folder: Path) -> bool:
    """Whether a cached build can be used: a wheel, and a converter tree that is what it was."""
    revision = folder / "converter" / REVISION
    if find_wheel(folder) is None or not revision.is_file():
        return False
    try:
        recorded = json.loads(revision.read_text())["tree_sha256"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(recorded == tree_sha256(folder / "converter"))


def find_wheel(folder: Path) -> Path | None:
    """The wheel in a folder of the cache."""
    return next(iter(sorted(folder.glob("*.whl"))), None)


def build(venv: Venv, version: str, folder: Path, backend: Backend, step: Step) -> None:
    """Fetch, check, unpack and compile; `folder` appears whole or not at all."""
    check_build_tools()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as name:
        scratch = Path(name)
        step.note(f"fetching the source of {PACKAGE} {version}")
        source = unpack(fetch(venv, version, scratch, step), scratch / "source")
        step.note(f"compiling with {len(os.sched_getaffinity(0))} cores; this happens once per machine")
        compile_wheel(venv, source, scratch, backend, step)
        copy_converter(source, scratch / "made" / "converter", version)
        shutil.rmtree(folder, ignore_errors=True)
        (scratch / "made").rename(folder)


def fetch(venv: Venv, version: str, scratch: Path, step: Step) -> Path:
    """The source archive, which pip itself checks against the pinned hash."""
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{PACKAGE}=={version} --hash=sha256:{ARCHIVE_SHA256}\n")
    options = ["--no-deps", "--no-build-isolation", "--no-binary", PACKAGE, "--require-hashes"]
    step.run(venv.pip("download", *options, "-d", str(scratch), "-r", str(wanted)))
    archive = next(scratch.glob("*.tar.gz"))
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != ARCHIVE_SHA256:
        cause = f"{archive.name} has sha256 {found}, not {ARCHIVE_SHA256}."
        raise SetupError("llama.cpp's source is not the one expected", cause, "Do not use it; report it.")
    return archive


def unpack(archive: Path, target: Path) -> Path:
    """The archive's only folder, unpacked under `target`, with its build made shorter."""
    with tarfile.open(archive) as tar:
        # Debian 12's Python 3.11.2 knows no filters; what it unpacks is the archive that was expected, too
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(target)
    (source,) = target.iterdir()
    build_file = source / "CMakeLists.txt"
    text = build_file.read_text()
    build_file.write_text(text.replace(FORCED_ON, FORCED_ON.replace(" ON ", " OFF ")))
    return source


def cmake_arguments(backend: Backend) -> list[str]:
    """What the build is told."""
    return [*CMAKE_ARGS, f"-DGGML_CUDA={'on' if backend.kind == 'cuda' else 'off'}"]


def compile_wheel(venv: Venv, source: Path, scratch: Path, backend: Backend, step: Step) -> None:
    """Build the wheel into scratch/made, saying how far it is."""
    environment = build_environment(backend, clean_environment())
    # ninja and the build backend are the environment's own, pinned
    environment["PATH"] = f"{venv.python.parent}{os.pathsep}{environment['PATH']}"
    environment["CMAKE_ARGS"] = " ".join(
        [os.environ.get("CMAKE_ARGS", ""), *cmake_arguments(backend)]
    ).strip()
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--verbose"]
    options += ["-C", f"build-dir={scratch / 'build'}", "-w", str(scratch / "made")]
    remedy = "The compiler's words above say what is wrong; after mending it run scripts/setup again."
    if backend.kind == "cuda":
        remedy += "\n                  (or, to do without the GPU: scripts/setup --cpu)"
    step.run(venv.pip("wheel", *options, str(source)), environment, build_progress, remedy)


def build_progress(text: str, elapsed: float) -> str:
    """How far ninja is, from the end of its output, and how long the rest may take."""
    found = re.findall(r"^\s*\[(\d+)/(\d+)\]", text, re.MULTILINE)
    if not found:
        return ""
    done, total = (int(number) for number in found[-1])
    return f"{done}/{total} compiled, about {elapsed * (total - done) / max(done, 1):.0f} s left"


def copy_converter(source: Path, target: Path, version: str) -> None:
    """Copy the converter out of the unpacked archive and write down what it is."""
    target.mkdir(parents=True)
    for name in CONVERTER:
        origin = source / "vendor" / "llama.cpp" / name
        if origin.is_dir():
            shutil.copytree(
                origin, target / name, ignore=shutil.ignore_patterns("tests", "examples", "__pycache__")
            )
        else:
            shutil.copy2(origin, target / name)
    revision = {
        "llama_cpp_python": version,
        "archive_sha256": ARCHIVE_SHA256,
        "tree_sha256": tree_sha256(target),
    }
    (target / REVISION).write_text(json.dumps(revision, indent=2) + "\n")


def tree_sha256(folder: Path) -> str:
    """A hash of every file's name and content, but for compiled Python and the revision file itself."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != REVISION and file.suffix != ".pyc":
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
