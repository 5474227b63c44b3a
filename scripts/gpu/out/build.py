"""Does llama.cpp build with CUDA from the stripped source, and can it use the card.

Brought along: build/gpu/llama-source.tar.xz (python -m scripts.gpu.llama_source), or the parts that an
earlier call packed, which are unpacked before any step runs. What is built goes to build/gpu/llama, and
packed to build/gpu/parts. A build whose time runs out goes on in the next call, on the same machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from scripts.gpu import carried
from scripts.gpu.bench import Bench, CannotRunError, Found

MINUTES = 8.0
SOURCE = "llama-source.tar.xz"
ARCHITECTURE = "90"
CONVERTER = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "conversion", "gguf-py", "LICENSE")
OFF = ("COMMON", "TESTS", "TOOLS", "EXAMPLES", "SERVER", "APP")
ASK = "import llama_cpp as l; print(l.llama_supports_gpu_offload(), l.__version__)"


def run(bench: Bench) -> Found:
    """Build where there is no build, then ask it. A rehearsal compiles one small library without CUDA."""
    found = Found()
    built = bench.carried / "llama"
    if bench.rehearse or not built.is_dir():
        source = bench.carried / SOURCE
        if not source.is_file():
            raise CannotRunError(f"neither a build nor {source}: python -m scripts.gpu.llama_source")
        work = bench.scratch if bench.rehearse else bench.carried / "llama-build"
        code, made = unpacked(source, work / "source"), work / "made"
        compiled(bench, code, made)
        package = laid_out(code, made, work / "package")
        libraries = sorted(file.name for file in (package / "llama_cpp" / "lib").glob("*.so"))
        found.figures["libraries"] = libraries
        parts = carried.pack(package, work / "parts" if bench.rehearse else bench.carried / "parts")
        found.figures["parts"] = [f"{file.name}: {file.stat().st_size / 2**20:.1f} MiB" for file in parts]
        if bench.rehearse:
            carried.unpack(parts, work / "again")
            whole = (work / "again" / "llama_cpp" / "lib" / "libggml-base.so").exists()
            found.gate("comes back whole", whole, f"{len(parts)} part, {', '.join(libraries)}")
            return found
        package.rename(built)
    carried.put_in_place(bench.carried)
    path = f"{built}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    said = done.stdout.split() or [done.stderr.strip()[-500:]]
    found.gate("uses the card", said[0] == "True", f"offload and version: {' '.join(said)}")
    return found


def unpacked(source: Path, target: Path) -> Path:
    """The source, unpacked once."""
    if not target.is_dir():
        half = target.with_name("source.half")
        shutil.rmtree(half, ignore_errors=True)
        with tarfile.open(source) as tar:
            carried.extract(tar, half, "data_filter")
        half.rename(target)
    return target


def compiled(bench: Bench, code: Path, made: Path) -> None:
    """Configure and compile; what an earlier call has compiled is not compiled again."""
    subprocess.run(configuration(bench, code, made), check=True, stdout=sys.stderr)
    command = ["cmake", "--build", str(made), "-j", str(len(os.sched_getaffinity(0)))]
    subprocess.run(
        [*command, *(["--target", "ggml-base"] if bench.rehearse else [])], check=True, stdout=sys.stderr
    )


def configuration(bench: Bench, code: Path, made: Path) -> list[str]:
    """The call of cmake. The processor's part is for any x86-64 with AVX2: the next machine may differ."""
    command = ["cmake", "-S", str(code / "vendor" / "llama.cpp"), "-B", str(made), "-DBUILD_SHARED_LIBS=ON"]
    command += ["-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=OFF", "-DGGML_OPENMP=ON"]
    command += [f"-DLLAMA_BUILD_{name}=OFF" for name in OFF]
    if shutil.which("ninja"):
        command += ["-G", "Ninja"]
    rpath = ["$ORIGIN"]
    if not bench.rehearse:
        nvcc = find_nvcc()
        rpath += [str(nvcc.parents[1] / "lib64"), *torch_libraries()]
        command += ["-DGGML_CUDA=ON", f"-DCMAKE_CUDA_ARCHITECTURES={ARCHITECTURE}"]
        command += [f"-DCMAKE_CUDA_COMPILER={nvcc}", f"-DCUDAToolkit_ROOT={nvcc.parents[1]}"]
    return [*command, f"-DCMAKE_INSTALL_RPATH={';'.join(rpath)}", "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON"]


def find_nvcc() -> Path:
    """The CUDA compiler: on the PATH, or where its installers leave it."""
    homes = [os.environ.get("CUDA_HOME", ""), "/usr/local/cuda", "/opt/cuda"]
    named = [shutil.which("nvcc"), *(f"{home}/bin/nvcc" for home in homes if home)]
    found = next((Path(one).resolve() for one in named if one and Path(one).is_file()), None)
    if found is None:
        raise CannotRunError("there is no nvcc to build llama.cpp with")
    return found


def torch_libraries() -> list[str]:
    """Folders of the CUDA libraries that came with torch: the toolkit's may lack cuBLAS."""
    import torch

    packages = Path(torch.__file__).resolve().parents[1]
    return sorted({str(file.parent) for file in packages.glob("nvidia/**/lib/lib*.so*")})


def laid_out(code: Path, made: Path, package: Path) -> Path:
    """The package's Python with the libraries inside, and the converter beside it."""
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(code / "llama_cpp", package / "llama_cpp")
    library = package / "llama_cpp" / "lib"
    library.mkdir(exist_ok=True)
    for file in (made / "bin").glob("*.so*"):
        shutil.copy2(file, library / file.name, follow_symlinks=False)
    (package / "converter").mkdir()
    for name in CONVERTER:
        origin = code / "vendor" / "llama.cpp" / name
        copy = shutil.copytree if origin.is_dir() else shutil.copy2
        copy(origin, package / "converter" / name)
    return package
