"""A fresh interpreter per question: what has been imported or guarded in this one would hide the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_python(
    code: str, environment: Mapping[str, str] | None = None, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `code` with the checkout importable and the tests' environment."""
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=check,
        cwd=ROOT,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {}),
    )


def modules_after(code: str) -> set[str]:
    """The names in sys.modules once `code` has run, also when it ends in SystemExit."""
    tell = "import json, sys; print('\\n' + json.dumps(list(sys.modules)))"
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    done = run_python(f"try:\n{indented}\nexcept SystemExit:\n    pass\n{tell}")
    return set(json.loads(done.stdout.splitlines()[-1]))
