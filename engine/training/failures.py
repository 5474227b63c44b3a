"""What torch, safetensors and the disk raise while training, as errors that a user can act on."""

from __future__ import annotations

import errno
import os

from store.errors import TemperError

_TORCH_WRITER = ("PytorchStreamWriter", "inline_container", "iostream error")


def out_of_memory(error: RuntimeError) -> TemperError:
    """The device has no room for a step."""
    return TemperError(
        "The device's memory is full",
        str(error).splitlines()[0],
        "Lower max_length or the adapter's rank in the recipe, or train with method qlora; close what else "
        "uses the device.",
    )


def write_error(error: Exception) -> OSError | None:
    """The disk's error behind what torch or safetensors raised while they wrote; None for other kinds.

    torch's own writer forgets the reason: a write that fails is taken for a full disk, the usual one.
    """
    if isinstance(error, OSError):
        return error
    if "os error 28" in str(error) or any(name in str(error) for name in _TORCH_WRITER):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None
