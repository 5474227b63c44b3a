"""What this machine can do and what is missing, each with the command that mends it. Changes nothing.

Heavy packages are asked in a child process or read from their files: loading them here would take seconds,
and one that crashes on loading must not take the doctor with it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.jobs.queue import device_name, programs_on_gpu
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store import paths
from store.errors import TemperError
from store.leases import DeviceLease
from store.records.machine import Diagnosis, Finding

ROOT = Path(__file__).resolve().parents[1]
SETUP = "scripts/setup"
LEAST_PYTHON = (3, 11)
LEAST_DISK = 5e9  # bytes; a merged 1B model, its GGUF and checkpoints take about as much
CHILD_SECONDS = 60

_LLAMA = "import llama_cpp; print(llama_cpp.__version__, llama_cpp.llama_supports_gpu_offload())"


def examine(folder: Path) -> Diagnosis:
    """Look at the machine, the environment, and the disk that `folder` lies on."""
    gpu = find_gpu()
    looks: list[Callable[[], list[Finding]]] = [
        check_python,
        lambda: [check_gpu(gpu)],
        lambda: [check_llama(gpu is not None)],
        lambda: [check_converter()],
        lambda: [check_torch(gpu is not None)],
        check_packages,
        lambda: [check_embedder(), check_tiny(), check_disk(folder), check_runtime(), check_network()],
        check_queue,
    ]
    return diagnosis([finding for look in looks for finding in look()])


def diagnosis(findings: list[Finding]) -> Diagnosis:
    """Findings with their verdict."""
    return Diagnosis(all(finding.status != "missing" for finding in findings), findings)


def check_python() -> list[Finding]:
    """The interpreter's version."""
    version = sys.version.split()[0]
    if sys.version_info >= LEAST_PYTHON:
        return [Finding("python", "ok", f"{version} ({sys.prefix})")]
    least = ".".join(str(part) for part in LEAST_PYTHON)
    return [Finding("python", "missing", f"{version}, needed is {least}", "apt-get install python3.11-venv")]


def find_gpu() -> str | None:
    """The first GPU in the words of the driver's own tool: name, memory, driver. None without one."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    if shutil.which(query[0]) is None:
        return None
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=CHILD_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return listed.stdout.partition("\n")[0].strip() or None


def check_gpu(gpu: str | None) -> Finding:
    """The GPU; without one everything works on the CPU."""
    if gpu is not None:
        return Finding("gpu", "ok", gpu)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    detail = f"none that nvidia-smi lists: training and chat run on the CPU ({cores} cores)"
    return Finding("gpu", "note", detail)


def check_llama(gpu: bool) -> Finding:
    """llama.cpp loads, and uses the GPU where there is one."""
    answer = ask_child(_LLAMA)
    if answer is None:
        return Finding("llama.cpp", "missing", "llama-cpp-python does not load", SETUP)
    version, offloads = answer.split()
    if offloads == "True":
        return Finding("llama.cpp", "ok", f"{version}, built for the GPU")
    if not gpu:
        return Finding("llama.cpp", "ok", f"{version}, built for the CPU")
    if cpu_was_chosen():
        detail = f"{version}, built for the CPU as asked with --cpu, although there is a GPU"
        return Finding("llama.cpp", "note", detail, f"{SETUP} --auto")
    detail = f"{version}, built for the CPU although there is a GPU: chat runs on the CPU"
    return Finding("llama.cpp", "missing", detail, f"{SETUP} --auto")


def cpu_was_chosen() -> bool:
    """Whether set-up was told to leave the GPU alone."""
    try:
        stamp = json.loads((Path(sys.prefix) / "setup.stamp").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("force_cpu") is True


def check_converter() -> Finding:
    """llama.cpp's converter comes from the same archive as the library."""
    file = paths.converter_dir() / "REVISION.json"
    try:
        converter = json.loads(file.read_text(encoding="utf-8"))["llama_cpp_python"]
    except (OSError, ValueError, KeyError):
        return Finding("converter", "missing", f"{file.parent} holds none", SETUP)
    library = version_of("llama-cpp-python")
    if converter != library:
        detail = f"of llama-cpp-python {converter}, but {library or 'none'} is installed: they may not agree"
        return Finding("converter", "missing", detail, SETUP)
    return Finding("converter", "ok", f"of llama-cpp-python {converter}, as installed")


def check_torch(gpu: bool) -> Finding:
    """Which build of torch is installed, from its version file."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return Finding("torch", "missing", "not installed", SETUP)
    facts = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    version, cuda = facts["__version__"], facts.get("cuda")
    if gpu and not cuda:
        detail = f"{version}, CPU build although there is a GPU: training runs on the CPU"
        return Finding("torch", "note" if cpu_was_chosen() else "missing", detail, f"{SETUP} --auto")
    return Finding("torch", "ok", f"{version}, {f'CUDA {cuda} build' if cuda else 'CPU build'}")


def check_packages() -> list[Finding]:
    """Every package that Temper needs, in the version it was tested with where the checkout says which."""
    needed = [line for line in importlib.metadata.requires("temper") or [] if "extra ==" not in line]
    names = [_name_of(line) for line in needed]
    absent = [name for name in names if version_of(name) is None]
    if absent:
        return [Finding("packages", "missing", f"not installed: {', '.join(absent)}", SETUP)]
    pins = read_pins(ROOT / "constraints.txt")
    other = [
        f"{name} {version_of(name)} (tested: {pins[name]})"
        for name in names
        if name in pins and (version_of(name) or "").partition("+")[0] != pins[name].partition("+")[0]
    ]
    if other:
        return [Finding("packages", "note", f"other versions than tested: {', '.join(other)}", SETUP)]
    tested = ", in the versions they were tested with" if pins else ""
    return [Finding("packages", "ok", f"all {len(names)}{tested}")]


def read_pins(file: Path) -> dict[str, str]:
    """Package to version, from a constraints file; empty where there is none."""
    if not file.is_file():
        return {}
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return {
        name.lower(): version for name, equals, version in (line.partition("==") for line in lines) if equals
    }


def _name_of(requirement: str) -> str:
    name = requirement
    for mark in ";[<>=!~ ":
        name = name.partition(mark)[0]
    return name.lower()


def version_of(package: str) -> str | None:
    """The installed version, from the package's metadata."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_embedder() -> Finding:
    """The default embedder that set-up converts."""
    file = paths.default_embedder()
    if file.is_file():
        return Finding("embedder", "ok", f"{file.name}, {file.stat().st_size / 1e6:.0f} MB")
    return Finding("embedder", "missing", f"{file} is not there: knowledge bases need one", SETUP)


def check_tiny() -> Finding:
    """The embedded base model."""
    try:
        ModelDirectory(builtin_directory("tiny"))
    except TemperError as error:
        return Finding("builtin:tiny", "missing", error.happened, "scripts/build_tiny_base.py")
    return Finding("builtin:tiny", "ok", "the embedded base model is complete")


def check_disk(folder: Path) -> Finding:
    """Room for models and checkpoints."""
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free < LEAST_DISK:
        return Finding("disk", "note", f"{detail}: a larger model will not fit")
    return Finding("disk", "ok", detail)


def check_runtime() -> Finding:
    """The folder of the GPU queue's lock files can be written."""
    folder = paths.runtime_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        return Finding("GPU queue", "missing", f"{folder}: {error.strerror}", f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        return Finding("GPU queue", "missing", f"{folder} cannot be written", f"chmod u+w {folder}")
    return Finding("GPU queue", "ok", f"kept in {folder}")


def check_network() -> Finding:
    """The socket guard is on in this very process."""
    if getattr(sys, "_temper_guarded", False):
        return Finding("network", "ok", "refused but for this machine itself (proof: temper doctor --airgap)")
    return Finding("network", "note", "allowed: TEMPER_ALLOW_NETWORK=1 is set", "unset TEMPER_ALLOW_NETWORK")


def check_queue() -> list[Finding]:
    """Who has the GPU now, and programs that are not Temper with memory on it."""
    device = device_name()
    findings = []
    holder = DeviceLease(device).holder()
    if holder is not None:
        findings.append(Finding("in use", "note", f"{device} by {holder.what} since {holder.since}"))
    if device != "cpu":
        findings += other_programs(holder.pid if holder else 0)
    return findings


def other_programs(ours: int) -> list[Finding]:
    """Programs with memory on the GPU, with pid and MiB, but for the process `ours`."""
    return [
        Finding("GPU memory", "note", f"{one.memory} held by {one.name} (pid {one.pid})", f"kill {one.pid}")
        for one in programs_on_gpu()
        if one.pid != ours
    ]


def ask_child(code: str, environment: dict[str, str] | None = None) -> str | None:
    """The last line that `code` prints in a fresh Python; None when it fails or takes too long."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else None
