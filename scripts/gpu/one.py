"""One step in this process: `python -m scripts.gpu.one STAGE STEP ANSWER.json [--rehearse]`.

Writes what it found as JSON, or why it could not; a step that kills the process leaves nothing behind, and
whoever started it says so. Does not know what became of earlier runs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.gpu.bench import Bench, CannotRunError
from scripts.gpu.carried import CARRIED
from scripts.gpu.machine import versions
from scripts.gpu.plan import Step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when it got to its end, whatever it found."""
    parser = argparse.ArgumentParser(prog="scripts.gpu.one")
    parser.add_argument("stage")
    parser.add_argument("step")
    parser.add_argument("answer", type=Path)
    parser.add_argument("--rehearse", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.rehearse:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from engine import offline

    offline.guard()
    answer: dict[str, Any]
    with tempfile.TemporaryDirectory(prefix="temper-gpu-") as scratch:
        bench = Bench(Path(scratch), CARRIED, asked.rehearse)
        try:
            found = importlib.import_module(Step(asked.stage, asked.step).module).run(bench)
            answer = {"state": found.state, "found": found.builtins()}
        except CannotRunError as error:
            answer = {"state": "cannot run", "reason": str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {"state": "broken", "reason": f"{type(error).__name__}: {error}"[:2000]}
    asked.answer.write_text(json.dumps(answer | {"versions": versions()}), encoding="utf-8")
    return 0 if "found" in answer else 1


if __name__ == "__main__":
    sys.exit(main())
