"""What torch, safetensors and the disk raise while training, as errors that a user can act on."""

from __future__ import annotations

import errno
import os
import re

from store.errors import TemperError

_OS_ERROR = re.compile(r"\bos error (\d+)\b")
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

    safetensors puts its number into words. torch's own writer forgets the reason: a write that fails is taken
    for a full disk, the usual one.
    """
    if isinstance(error, OSError):
        return error
    if number := _OS_ERROR.search(str(error)):
        return OSError(int(number[1]), os.strerror(int(number[1])))
    if any(name in str(error) for name in _TORCH_WRITER):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None
