"""How large a picture is, and waiting for what is to be seen on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SIZE = (112, 34)


async def until(pilot: Any, condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for the screen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the screen did not come")
        await pilot.pause(0.02)
