"""The main of `scripts/gpu_check`: is there a GPU, do its tests pass, how fast is a short QLoRA run.

Exit codes: 0 all well, 1 a test or the run failed, 3 no CUDA device. Does not know how the run is made.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import offline

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "llama-cpp-python")
SHAPES = ("tiny", "1b", "8b")
NO_GPU = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Check this machine."""
    parser = argparse.ArgumentParser(prog="scripts/gpu_check", description="Check the GPU and measure it.")
    parser.add_argument("--shape", choices=SHAPES, default="tiny", help="random weights for 1b and 8b")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8, help="rows a step")
    parser.add_argument("--length", type=int, default=512, help="tokens a row")
    parser.add_argument("--no-tests", action="store_true", help="only the run")
    parser.add_argument("--out", type=Path, help="also write the findings here, as JSON")
    asked = parser.parse_args(arguments)
    offline.guard()
    report: dict[str, Any] = {"device": find_device(), "versions": versions()}
    if report["device"] is None:
        print(f"No CUDA device: {why_none()}. Nothing was run.")
        write(asked.out, report)
        return NO_GPU
    if not asked.no_tests:
        report["tests"] = run_tests()
    report["qlora"] = measure(asked)
    print(table(report))
    write(asked.out, report)
    return 0 if report.get("tests", {"passed": True})["passed"] and "error" not in report["qlora"] else 1


def find_device() -> dict[str, Any] | None:
    """The first card's name, memory in bytes and compute capability; None where torch sees none."""
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
    }


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
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def run_tests() -> dict[str, Any]:
    """The `gpu` tests in a process of their own, under settings that bear other versions' warnings."""
    settings = [
        "-c",
        str(ROOT / "scripts" / "gpu" / "pytest.ini"),
        f"--rootdir={ROOT}",
        f"--confcutdir={ROOT}",
    ]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-ra", "-p", "no:cacheprovider", *settings]
    done = subprocess.run([*command, str(ROOT / "tests" / "gpu")], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, file=sys.stderr)
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["pytest said nothing"]
    return {"passed": done.returncode == 0, "summary": lines[-1].strip("= ")}


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """The short run's figures, or {shape, error}: a missing package must not hide what else was found."""
    shape = f"{asked.shape}, {asked.batch} x {asked.length} tokens, {asked.steps} steps"
    try:
        qlora = importlib.import_module("scripts.gpu.qlora")
        return {"shape": shape, **qlora.measure(asked.shape, asked.steps, asked.batch, asked.length)}
    except Exception as error:
        return {"shape": shape, "error": f"{type(error).__name__}: {error}"}


def table(report: dict[str, Any]) -> str:
    """The findings for people."""
    device, run = report["device"], report["qlora"]
    rows = [
        ("device", f"{device['name']}, {gibibytes(device['memory_bytes'])}, compute {device['capability']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in report["versions"].items())),
        ("CUDA", device["cuda"]),
    ]
    if "tests" in report:
        rows.append(("tests", ("" if report["tests"]["passed"] else "FAILED: ") + report["tests"]["summary"]))
    rows.append(("QLoRA run", run["shape"]))
    if "error" in run:
        rows.append(("", f"FAILED: {run['error']}"))
    else:
        rows += [
            ("tokens/s", f"{run['tokens_per_second']:,.0f} (median over steps, the first two left out)"),
            ("peak memory", gibibytes(run["peak_memory_bytes"])),
            ("loss", f"{run['first_loss']:.3f} to {run['last_loss']:.3f}"),
        ]
    return "\n".join(f"{name:12}  {value}" for name, value in rows)


def gibibytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / (1 << 30):.2f} GiB"


def write(file: Path | None, report: dict[str, Any]) -> None:
    """Leave the findings in `file`, if one was named."""
    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
