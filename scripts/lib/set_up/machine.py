"""What this machine has: a GPU, compilers, room on the disk. Looks, installs nothing."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from set_up.console import SetupError

Kind = Literal["cpu", "cuda"]

GPU_NODE = Path("/dev/nvidia0")
CUDA_HOMES = ("/usr/local/cuda", "/opt/cuda")
GIGABYTE = 1 << 30
# measured: 2.3 GB of packages (torch's CUDA libraries add some 5) and 0.6 GB while llama.cpp is built
NEEDED = {"cpu": 4 * GIGABYTE, "cuda": 12 * GIGABYTE}


@dataclass(frozen=True)
class Backend:
    """What llama.cpp and torch are installed for, why, and the CUDA compiler where there is one to use."""

    kind: Kind
    why: str
    nvcc: Path | None = None


def choose_backend(force_cpu: bool, node: Path = GPU_NODE) -> Backend:
    """CUDA where there is a GPU, else the CPU. Raises SetupError where a GPU lacks the CUDA compiler."""
    gpu, nvcc = find_gpu(node), find_nvcc()
    if gpu is None:
        toolkit = f"; the CUDA compiler is there ({nvcc}), but there is nothing to run on" if nvcc else ""
        return Backend("cpu", f"building for the CPU: no GPU (nvidia-smi lists none, no {node}){toolkit}")
    if force_cpu:
        return Backend("cpu", f"building for the CPU, as asked with --cpu, although there is a GPU: {gpu}")
    if nvcc is None:
        raise SetupError(
            "there is a GPU, but no CUDA compiler",
            f"{gpu} is there, but no `nvcc` to build llama.cpp for it: chat would run on the CPU.",
            f"{as_root('apt-get install -y nvidia-cuda-toolkit')}\n"
            "                  (Debian keeps it in its section non-free; NVIDIA's own toolkit does as well)\n"
            "                  (or, to do without the GPU: scripts/setup --cpu)",
            code=3,
        )
    return Backend("cuda", f"building for CUDA: {gpu}, compiler {nvcc}", nvcc)


def find_gpu(node: Path = GPU_NODE) -> str | None:
    """The first NVIDIA GPU in words, or None."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is not None and done.returncode == 0:
        for line in done.stdout.splitlines():
            if line.startswith("GPU "):
                return line.split(" (UUID")[0]
    return str(node) if node.exists() else None


def find_nvcc() -> Path | None:
    """The CUDA compiler: on the PATH, or where its installers leave it without telling the PATH."""
    if found := shutil.which("nvcc"):
        return Path(found)
    for home in (os.environ.get("CUDA_HOME", ""), *CUDA_HOMES):
        candidate = Path(home, "bin", "nvcc")
        if home and candidate.is_file():
            return candidate
    return None


def check_build_tools() -> None:
    """Raise SetupError when llama.cpp cannot be built here."""
    missing = [
        package for tool, package in (("c++", "g++"), ("cmake", "cmake")) if shutil.which(tool) is None
    ]
    if missing:
        raise SetupError(
            f"{' and '.join(missing)} missing",
            "llama.cpp is built from source once, for this machine's processor.",
            as_root(f"apt-get install -y {' '.join(missing)}"),
            code=3,
        )


def check_space(root: Path, backend: Backend) -> None:
    """Raise SetupError when the disk is too full for a first set-up."""
    free = shutil.disk_usage(root).free
    if not (root / ".venv").exists() and free < NEEDED[backend.kind]:
        need, have = NEEDED[backend.kind] / GIGABYTE, free / GIGABYTE
        cause = f"Set-up needs {need:.0f} GB at {root}; {have:.1f} GB are free."
        raise SetupError("not enough room on the disk", cause, "Free some, then run it again.", code=3)


def as_root(command: str) -> str:
    """`command` as this user has to type it."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def fingerprint(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Short hash of what a native build depends on: architecture, processor features, C library."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    features = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    words = [platform.machine(), *sorted(features.split()), *platform.libc_ver()]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]


def build_environment(backend: Backend, base: Mapping[str, str]) -> dict[str, str]:
    """The environment for compiling: all cores, the CUDA compiler where it is needed."""
    environment = {**base, "CMAKE_BUILD_PARALLEL_LEVEL": str(len(os.sched_getaffinity(0)))}
    if backend.nvcc is not None:
        environment |= {
            "CUDACXX": str(backend.nvcc),
            "PATH": f"{backend.nvcc.parent}{os.pathsep}{base.get('PATH', '')}",
        }
    return environment
