"""What a result was measured on: the card, its driver and the versions of the packages that matter."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import Any

from engine.jobs import versions as installed

PACKAGES = (
    "torch", "triton", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "llama-cpp-python",
    "unsloth",
)  # fmt: skip


def find_device(rehearse: bool = False) -> dict[str, Any] | None:
    """The first card's name, memory in bytes, compute capability and driver; None where torch sees none."""
    if rehearse:
        return {"name": "cpu", "cores": len(os.sched_getaffinity(0))}
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    properties = torch.cuda.get_device_properties(0)
    return {
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "cuda": torch.version.cuda,
        "driver": driver(),
        "cores": len(os.sched_getaffinity(0)),
    }


def driver() -> str:
    """The driver's version as its own tool says it; empty where it says nothing."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter(done.stdout.split()), "")


def why_none() -> str:
    """What there is instead of a CUDA device, in words."""
    found = versions()
    if "torch" not in found:
        return "torch is not installed"
    import torch

    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "a CPU build"
    return f"torch {found['torch']} ({build}) finds none"


def versions() -> dict[str, str]:
    """Python and the packages that matter, as far as they are installed."""
    return {"python": platform.python_version(), **installed.versions(PACKAGES)}
