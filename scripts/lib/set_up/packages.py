"""The virtual environment and what pip puts into it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from set_up.console import SetupError, Step
from set_up.machine import Backend

# pinned like everything else, and in the environment itself: pip's isolated builds would ignore the pins
BUILD_TOOLS = ["pip", "setuptools", "scikit-build-core", "ninja"]


class Venv:
    """The places of one checkout's environment, and pip in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.temper = self.folder / "bin" / "temper"
        self.share = self.folder / "share" / "temper"
        self.log = self.folder / "setup.log"
        self.stamp = self.folder / "setup.stamp"
        self.constraints = root / "constraints.txt"

    def pip(self, *arguments: str) -> list[str]:
        """The command that runs pip with `arguments`."""
        return [str(self.python), "-I", "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]

    def pip_install(self, *arguments: str) -> list[str]:
        """The command that installs under the constraints."""
        return self.pip("install", "--no-build-isolation", "-c", str(self.constraints), *arguments)

    def ask(self, code: str) -> str:
        """What `code` prints in the environment's Python; empty when it fails."""
        command = [str(self.python), "-I", "-c", code]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def looks_complete(self) -> bool:
        """Whether the files that people notice are there (the stamp alone outlives a careless clean-up)."""
        embedders = self.share / "embedders"
        return self.python.exists() and self.temper.is_file() and any(embedders.glob("*.gguf"))


def pinned(constraints: Path, package: str) -> str:
    """The version that the constraints file gives `package`."""
    for line in constraints.read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version.strip()
    raise SetupError(
        "a pin is missing", f"{constraints} does not name {package}.", f"Add {package}==VERSION to it."
    )


def make_venv(venv: Venv, step: Step) -> None:
    """Make .venv unless one of this Python is there, in this place; put the pinned build tools into it."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor} {venv.folder}"
    found = venv.ask("import sys; print(f'{sys.version_info.major}.{sys.version_info.minor} {sys.prefix}')")
    if found != wanted:
        # a moved checkout has its old place in every script of bin/, so such an environment is made anew
        shutil.rmtree(venv.folder, ignore_errors=True)
        base = getattr(sys, "_base_executable", sys.executable)
        step.run(
            [base, "-I", "-m", "venv", str(venv.folder)],
            remedy="Install Python's venv module and run it again.",
        )
    step.run(venv.pip("install", "-c", str(venv.constraints), *BUILD_TOOLS))
    made = "kept" if found == wanted else "made"
    step.result(f"{made}, Python {sys.version.split()[0]}, pip {pinned(venv.constraints, 'pip')}")


def install(venv: Venv, backend: Backend, step: Step) -> None:
    """Install Temper in place with all it needs, and say which torch that brought."""
    version = pinned(venv.constraints, "torch")
    # `===` compares as text: it leaves out CPU builds ("2.13.0+cpu"), which pip prefers where it sees one
    torch = f"torch==={version}" if backend.kind == "cuda" else f"torch=={version}"
    step.run(venv.pip_install(torch, "-e", f"{venv.root}[dev]"), progress=pip_progress)
    count = len(list(venv.folder.glob("lib/python*/site-packages/*.dist-info")))
    step.result(f"{count} packages; {torch_build(venv)}")


def torch_build(venv: Venv) -> str:
    """Which build of torch is installed, in words. Reads its version file: importing torch takes seconds."""
    code = (
        "import importlib.util, pathlib, runpy\n"
        "spec = importlib.util.find_spec('torch')\n"
        "facts = runpy.run_path(str(pathlib.Path(spec.origin).with_name('version.py')))\n"
        "print(facts['__version__'], facts['cuda'] or '')"
    )
    version, _, cuda = venv.ask(code).partition(" ")
    if not version:
        raise SetupError(
            "torch is not there", "It was installed, yet cannot be found.", "Remove .venv and run it again."
        )
    return f"torch {version}, {f'CUDA {cuda} build' if cuda else 'CPU build'}"


def pip_progress(text: str, elapsed: float) -> str:
    """What pip does now, from the end of what it printed."""
    found = re.findall(r"^\s*(Collecting|Downloading|Building|Installing) (\S+)", text, re.MULTILINE)
    return " ".join(found[-1]) if found else ""


def check(venv: Venv, backend: Backend, step: Step) -> None:
    """Start what was installed once: llama.cpp's library, and torch on the GPU where there is one."""
    offloads = venv.ask("import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())")
    if not offloads:
        remedy = "Remove .venv and the cache folder that .venv/setup.log names, then run it again."
        raise SetupError("llama.cpp does not start", "`import llama_cpp` failed in .venv.", remedy)
    device = "GPU" if offloads == "True" else "CPU"
    words = [f"llama.cpp {pinned(venv.constraints, 'llama-cpp-python')} for the {device}"]
    if backend.kind == "cuda":
        words.append(check_cuda(venv, offloads == "True"))
    step.result(", ".join(words))


def check_cuda(venv: Venv, offloads: bool) -> str:
    """The device that torch sees. Raises SetupError when the GPU would stay unused."""
    device = venv.ask(
        "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')"
    )
    if not device or not offloads:
        who = "llama.cpp" if device else "torch"
        cause = f"{torch_build(venv)} and llama.cpp are installed, but {who} finds no device it can use."
        remedy = (
            "Update the NVIDIA driver, then run it again (or, to do without the GPU: scripts/setup --cpu)."
        )
        raise SetupError("the GPU cannot be used", cause, remedy, code=3)
    return f"torch uses {device}"


def clean_environment() -> dict[str, str]:
    """This process's environment without what would make another Python import the caller's modules."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
