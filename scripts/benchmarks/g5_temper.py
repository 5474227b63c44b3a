"""Temper's arm of G5. Usage: g5_temper.py BASE ADAPTER OUT.gguf TYPE NAME, or `imports` to stop there."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from engine.export.converter import Converter
from scripts.benchmarks.g5_peak import written


def main() -> None:
    """Export; print the bytes written and the seconds from the file's first bytes to its end."""
    base, adapter, out, kind, name = sys.argv[1:]
    begin: list[float] = []

    def advance(done: int) -> None:
        if done and not begin:
            begin.append(time.perf_counter())

    with Converter(probe=True) as converter:  # first of all: its imports take the longest
        load()
        from engine.export.onepass.export import export_once
        from engine.models.directory import ModelDirectory

        outs = {kind: Path(out)}
        export_once(ModelDirectory(Path(base)), Path(adapter), outs, name, advance, started=converter)
    writing = time.perf_counter() - begin[0] if begin else 0.0
    print(json.dumps({"written": written(), "writing": writing}))


def load() -> None:
    """Import what an export needs."""
    import llama_cpp  # noqa: F401  # the quantiser brings it when it is first used

    import engine.export.onepass.export  # noqa: F401  # timed apart


if __name__ == "__main__":
    if sys.argv[1:] == ["imports"]:
        load()
    else:
        main()
