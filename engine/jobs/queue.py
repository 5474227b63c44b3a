"""The GPU queue: which device there is, who else uses it, waiting for it, asking an idle server to let go."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from store.leases import DeviceLease, Holder
from store.records.serving import ServerFile

POLL_SECONDS = 0.1
DRIVER_SECONDS = 10
VISIBLE = "CUDA_VISIBLE_DEVICES"


def device_name() -> str:
    """The UUID of the first GPU, or `cpu`."""
    return next(iter(gpu_names()), "cpu")


def gpu_names() -> list[str]:
    """The UUIDs of all GPUs. Asks the driver's own tool: importing torch would cost seconds.

    Those that CUDA_VISIBLE_DEVICES leaves, in its order; an empty one hides every GPU (what `--cpu` sets).
    From here on CUDA counts GPUs as the driver's tool does: by itself it puts the fastest first.
    """
    asked = os.environ.get(VISIBLE)
    if asked == "":
        return []
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    known = [row[0] for row in ask_driver("--query-gpu=uuid")]
    return known if asked is None else visible(known, asked)


def visible(known: list[str], asked: str) -> list[str]:
    """What CUDA sees of the GPUs `known` under CUDA_VISIBLE_DEVICES: numbers or beginnings of UUIDs, up to
    the first that names none (CUDA C++ Programming Guide, "CUDA environment variables").
    """
    found = []
    for word in (part.strip() for part in asked.split(",")):
        named = [
            name
            for at, name in enumerate(known)
            if word and (word == str(at) or (word.startswith("GPU-") and name.startswith(word)))
        ]
        if word.startswith("MIG-"):  # a part of a GPU, which the driver does not list among them
            named = [word]
        if len(named) != 1:
            break
        found += named
    return found


def devices(processes: int) -> list[str]:
    """What so many processes of one run need: a GPU each, as far as there are some, or the processor.

    In one order for all runs, so that two which take several never wait for each other.
    """
    return sorted(gpu_names()[:processes]) or ["cpu"] if processes > 1 else [device_name()]


def keep_to(names: list[str]) -> None:
    """Let this process, and those that it starts, see no other GPUs than `names`: theirs is the lease.

    The stock trainer and llama.cpp spread over every GPU that they see. Where these are all, nothing changes.
    To be called before CUDA is used.
    """
    if names != ["cpu"] and len(gpu_names()) > len(names):
        os.environ[VISIBLE] = ",".join(names)


class GpuProgram(msgspec.Struct):
    """A program with memory on the GPU; `memory` as the driver words it, such as `4096 MiB`."""

    pid: int
    name: str
    memory: str


def programs_on_gpu() -> list[GpuProgram]:
    """All programs with memory on a GPU, Temper's own among them; none where there is no GPU."""
    rows = ask_driver("--query-compute-apps=pid,process_name,used_memory")
    return [GpuProgram(int(row[0]), row[1], row[2]) for row in rows if len(row) == 3 and row[0].isdigit()]


def ask_driver(query: str) -> list[list[str]]:
    """The cells of what nvidia-smi answers to `query`; none where it is missing or fails."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", query, "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]


def wait_for_device(
    lease: DeviceLease,
    claim: Callable[[], bool],
    on_wait: Callable[[Holder], None],
    check_stop: Callable[[], None],
) -> float:
    """Queue until `claim` gets the lease; seconds waited. `on_wait` is told each new holder in the way.

    `check_stop` may raise to leave the queue.
    """
    begin = time.monotonic()
    told: Holder | None = None
    while not claim():
        check_stop()
        holder = lease.holder()
        if holder is not None and holder != told:
            told = holder
            on_wait(holder)
        if holder is not None and holder.server:
            ask_to_release(Path(holder.server))
        time.sleep(POLL_SECONDS)
    return time.monotonic() - begin


def ask_to_release(server_file: Path) -> bool:
    """Ask an idle server for the device. False when it is busy or gone: it is asked again later."""
    import httpx  # here, since hardly any run meets a server and the import takes longer than all others

    try:
        server = msgspec.json.decode(server_file.read_bytes(), type=ServerFile)
        headers = {"Authorization": f"Bearer {server.token}"}
        return (
            httpx.post(f"{server.url}/release", headers=headers, timeout=5, trust_env=False).status_code
            == 200
        )
    except (OSError, msgspec.MsgspecError, httpx.HTTPError):
        return False
