"""The figures of this machine that the home screen shows. Asking the driver takes a while: use a thread."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from store.leases import DeviceLease, Holder

_QUERY = ["nvidia-smi", "--query-gpu=uuid,name,memory.used,memory.total", "--format=csv,noheader,nounits"]


class Gpu(msgspec.Struct):
    """The first GPU; memory in bytes."""

    uuid: str
    name: str
    used: int
    total: int


class Machine(msgspec.Struct):
    """One look at the machine; bytes. `holder` has the GPU (or the CPU, without one) now."""

    cores: int
    memory_free: int
    memory_total: int
    disk_free: int
    disk_total: int
    gpu: Gpu | None = None
    holder: Holder | None = None


def look(folder: Path) -> Machine:
    """The machine now, with the disk that `folder` lies on."""
    gpu = first_gpu()
    free, total = memory()
    disk = shutil.disk_usage(folder)
    holder = DeviceLease(gpu.uuid if gpu else "cpu").holder()
    return Machine(os.cpu_count() or 1, free, total, disk.free, disk.total, gpu, holder)


def first_gpu() -> Gpu | None:
    """The first CUDA device according to the driver's own tool; None where there is none."""
    if shutil.which(_QUERY[0]) is None:
        return None
    try:
        listed = subprocess.run(_QUERY, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_gpu(listed)


def parse_gpu(listed: str) -> Gpu | None:
    """The first line of nvidia-smi's answer; it counts in MiB."""
    parts = [part.strip() for part in listed.partition("\n")[0].split(",")]
    if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
        return None
    return Gpu(parts[0], parts[1], int(parts[2]) << 20, int(parts[3]) << 20)


def memory() -> tuple[int, int]:
    """Main memory in bytes: available to a new program, and installed."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return total, total
    kilobytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest
    }
    return kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024
