"""Keeps torch's compiler out of runs that compile nothing, though bitsandbytes asks for it while imported.

bitsandbytes (0.50) wraps four functions of its fall-back kernels with torch.compile as it is imported, which
loads torch._inductor: a fifth of all that a training worker imports (scripts/real_runs/worker_start). Its own
kernels for CPU and CUDA call none of them. Here they are compiled when first called, in the same way.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any


def import_bitsandbytes() -> None:
    """Import bitsandbytes, which brings torch. To be called before anything else imports it; else no use."""
    if "bitsandbytes" in sys.modules:
        return
    import torch

    whole: Any = torch
    at_once = whole.compile
    whole.compile = functools.partial(later, at_once)
    try:
        import bitsandbytes  # noqa: F401  # it registers its kernels
    finally:
        whole.compile = at_once


def later(at_once: Callable[..., Any], function: Any = None, **options: Any) -> Any:
    """`at_once(function, **options)`, at the first call of what is returned."""
    if function is None:
        return functools.partial(later, at_once, **options)
    compiled: list[Any] = []

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        if not compiled:
            compiled.append(at_once(function, **options))
        return compiled[0](*arguments, **named)

    return called
