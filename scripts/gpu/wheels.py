"""Gathers what the GPU machine lacks, as wheels to carry: `python -m scripts.gpu.wheels`.

That machine has torch, transformers and what belongs to them, and no network. Pins are constraints.txt's; a
package's own needs are not followed, so NEEDED names them all, but for duckdb and chromadb, which are large
and which no step needs. bitsandbytes has a library for each version of CUDA: all but the asked one are taken
out. Says what it all weighs against what may be carried. To install them there: docs/gpu.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.gpu.plan import ROOT

NEEDED = (
    "bitsandbytes", "trl", "peft", "datasets", "dill", "multiprocess",  # training
    "msgspec", "tomlkit", "wcwidth", "ftfy", "datasketch", "py3langid", "phonenumbers", "python-stdnum",
    "mnemonic", "pypdfium2", "python-docx", "pystemmer", "bm25s",  # data and its checks
    "jsonschema", "jsonschema-specifications", "referencing", "rpds-py", "llguidance",  # structured answers
    "starlette", "uvicorn", "diskcache",  # serving, llama-cpp-python
)  # fmt: skip
LIMIT = 64 << 20
"""Bytes that may be carried in all, the working tree among them."""
PYTHON, CUDA = "3.12", "130"
CPU_LIBRARY = "bitsandbytes/libbitsandbytes_cpu.so"


def main(arguments: Sequence[str] | None = None) -> int:
    """Gather, strip, weigh; 1 when it is too much to carry."""
    parser = argparse.ArgumentParser(prog="python -m scripts.gpu.wheels")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu" / "wheels")
    parser.add_argument("--python", default=PYTHON, help="the machine's Python")
    parser.add_argument("--cuda", default=CUDA, help="the machine's CUDA, as bitsandbytes writes it: 130")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    for old in asked.out.glob("*.whl"):
        old.unlink()
    subprocess.run(
        [*pip(asked.python), "-d", str(asked.out), *pinned(ROOT / "constraints.txt", NEEDED)], check=True
    )
    strip(next(asked.out.glob("bitsandbytes-*.whl")), asked.cuda)
    wheels = sum(file.stat().st_size for file in asked.out.glob("*.whl"))
    tree = tree_bytes(ROOT)
    print(f"{len(list(asked.out.glob('*.whl')))} wheels in {asked.out}: {wheels / 2**20:.1f} MiB")
    print(f"with the working tree's {tree / 2**20:.1f} MiB: {(wheels + tree) / 2**20:.1f} of 64 MiB")
    return 0 if wheels + tree <= LIMIT else 1


def pip(python: str) -> list[str]:
    """pip, fetching for another Python on Linux; it takes each version of the C library by its exact name."""
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(39, 16, -1)]
    platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
    return [
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
        "--python-version", python, "--implementation", "cp",
        *(part for name in platforms for part in ("--platform", name)),
    ]  # fmt: skip


def pinned(constraints: Path, names: Sequence[str]) -> list[str]:
    """The names with their pins. Raises ValueError for one that has none."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    if unknown := [name for name in names if name not in pins]:
        raise ValueError(f"{constraints} pins no {', '.join(unknown)}")
    return [f"{name}=={pins[name]}" for name in names]


def strip(wheel: Path, cuda: str) -> None:
    """Take every native library but the CPU's and that of `cuda` out of a bitsandbytes wheel."""
    kept = {CPU_LIBRARY, f"bitsandbytes/libbitsandbytes_cuda{cuda}.so"}
    small = wheel.with_suffix(".small")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as new:
        names = [name for name in old.namelist() if not name.endswith(".so") or name in kept]
        if not kept <= set(names):
            raise ValueError(f"{wheel.name} has no library for CUDA {cuda}")
        contents = {name: old.read(name) for name in names}
        record = next(name for name in names if name.endswith(".dist-info/RECORD"))
        contents[record] = "".join(record_lines(contents, record)).encode()
        for name, content in contents.items():
            new.writestr(name, content)
    small.replace(wheel)


def record_lines(contents: dict[str, bytes], record: str) -> Iterator[str]:
    """What a wheel's RECORD says of its files (PEP 376, PEP 427)."""
    for name, content in contents.items():
        if name == record:
            yield f"{name},,\n"
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        yield f"{name},sha256={digest},{len(content)}\n"


def tree_bytes(root: Path) -> int:
    """Bytes of the files that git knows or would know: what travels as it is."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    files = (root / name for name in listed.split("\0") if name)
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    sys.exit(main())
