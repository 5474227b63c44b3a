"""The GPU queue: which device there is, waiting for it, asking an idle server to let go of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from store.leases import DeviceLease, Holder
from store.records.serving import ServerFile

POLL_SECONDS = 0.1


def device_name() -> str:
    """The UUID of the first GPU, or `cpu`. Asks the driver's own tool: importing torch would cost seconds."""
    if shutil.which("nvidia-smi") is None:
        return "cpu"
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return "cpu"
    return listed[0] if listed else "cpu"


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
