"""Temper's arm of G5. Usage: g5_temper.py BASE ADAPTER OUT.gguf TYPE NAME, or `imports` to stop there."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import llama_cpp  # noqa: F401  # the quantiser brings it when it is first used

from engine.export.onepass.export import export_once
from engine.models.directory import ModelDirectory
from scripts.benchmarks.g5_peak import written


def main() -> None:
    """Export; print the bytes written and the seconds from the file's first bytes to its end."""
    base, adapter, out, kind, name = sys.argv[1:]
    begin: list[float] = []

    def advance(done: int) -> None:
        if done and not begin:
            begin.append(time.perf_counter())

    export_once(ModelDirectory(Path(base)), Path(adapter), {kind: Path(out)}, name, advance)
    writing = time.perf_counter() - begin[0] if begin else 0.0
    print(json.dumps({"written": written(), "writing": writing}))


if __name__ == "__main__" and sys.argv[1:] != ["imports"]:
    main()
