"""The device that would train, asked of the driver's own tool and the system: torch stays where it is."""

from __future__ import annotations

from engine.jobs.queue import ask_driver, device_name
from store.records.plan import Machine

MIB = 1 << 20
FIRST_WITH_BFLOAT16 = 8.0
"""Compute capability of the first cards that compute in bfloat16 (Ampere)."""


def find_machine() -> Machine:
    """The first card and what is free on it, else the processor and the memory that is available."""
    device = device_name()
    if device != "cpu":
        listed = ask_driver("--query-gpu=uuid,name,memory.total,memory.free,compute_cap")
        part = device.startswith("MIG-")  # the driver lists whole GPUs alone
        own = next((one[1:] for one in listed if len(one) == 5 and (part or one[0] == device)), None)
        if own is not None:
            name, total, free, capability = own
            return Machine(
                name, True, mebibytes(total), mebibytes(free), number(capability) >= FIRST_WITH_BFLOAT16
            )
    import psutil  # here, since a command that starts nothing asks for no memory

    memory = psutil.virtual_memory()
    return Machine("cpu", False, memory.total, memory.available, False)


def mebibytes(said: str) -> int:
    """`24564 MiB` in bytes; 0 where the driver will not say."""
    return int(number(said.split(" ")[0]) * MIB)


def number(said: str) -> float:
    """What the driver wrote as a number; 0 for `[N/A]`."""
    try:
        return float(said)
    except ValueError:
        return 0.0
