"""What is carried to the machine: wheels without what it has no use for, a small source, a build in parts."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import pytest

from scripts.gpu import carried, llama_source, rows, wheels
from scripts.gpu.plan import ROOT

RECORD = "bitsandbytes-1.dist-info/RECORD"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel like bitsandbytes' with libraries for three kinds of hardware."""
    file = tmp_path / "bitsandbytes-1-py3-none-manylinux_2_24_x86_64.whl"
    with zipfile.ZipFile(file, "w") as made:
        for name in ("cpu", "cuda118", "cuda130", "rocm70"):
            made.writestr(f"bitsandbytes/libbitsandbytes_{name}.so", name)
        made.writestr("bitsandbytes/__init__.py", "x = 1")
        made.writestr(RECORD, "outdated")
    return file


def test_a_wheel_keeps_the_libraries_of_one_cuda_and_of_the_processor(wheel: Path) -> None:
    wheels.strip(wheel, "130")
    with zipfile.ZipFile(wheel) as found:
        libraries = [name for name in found.namelist() if name.endswith(".so")]
        record = found.read(RECORD).decode()
    assert libraries == ["bitsandbytes/libbitsandbytes_cpu.so", "bitsandbytes/libbitsandbytes_cuda130.so"]
    assert sorted(line.split(",")[0] for line in record.splitlines()) == sorted(
        [*libraries, "bitsandbytes/__init__.py", RECORD]
    )


def test_a_wheel_without_the_machines_cuda_is_refused(wheel: Path) -> None:
    with pytest.raises(ValueError, match="no library for CUDA 140"):
        wheels.strip(wheel, "140")


def test_all_wheels_have_pins() -> None:
    assert len(wheels.pinned(ROOT / "constraints.txt", wheels.NEEDED)) == len(wheels.NEEDED)
    with pytest.raises(ValueError, match="pins no nonesuch"):
        wheels.pinned(ROOT / "constraints.txt", ["nonesuch"])


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("llama_cpp/llama.py", True),
        ("llama_cpp/server/app.py", False),
        ("vendor/llama.cpp/src/llama.cpp", True),
        ("vendor/llama.cpp/ggml/src/ggml.c", True),
        ("vendor/llama.cpp/ggml/src/ggml-cuda/template-instances/fattn.cu", True),
        ("vendor/llama.cpp/ggml/src/ggml-vulkan/ggml-vulkan.cpp", False),
        ("vendor/llama.cpp/ggml/src/ggml-backend.cpp", True),
        ("vendor/llama.cpp/gguf-py/gguf/constants.py", True),
        ("vendor/llama.cpp/gguf-py/tests/test_quants.py", False),
        ("vendor/llama.cpp/models/ggml-vocab-phi-3.gguf", False),
        ("vendor/llama.cpp/convert_hf_to_gguf.py", True),
        (".git/objects/pack/one.pack", False),
    ],
)
def test_of_the_source_only_what_is_built_or_runs_is_kept(path: str, kept: bool) -> None:
    assert llama_source.kept(PurePosixPath(path)) is kept


def test_a_build_comes_back_in_parts_and_is_whole_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "PART_BYTES", 1000)
    library = tmp_path / "made" / "llama_cpp" / "lib"
    library.mkdir(parents=True)
    content = bytes(range(256)) * 20 + rows.random_rows(1 << 20, [900])[0].input_ids.__repr__().encode()
    (library / "libllama.so.0").write_bytes(content)
    (library / "libllama.so").symlink_to("libllama.so.0")
    parts = carried.pack(tmp_path / "made", tmp_path / "parts")
    assert len(parts) > 1
    assert all(part.stat().st_size <= 1000 for part in parts)
    carried.unpack(parts, tmp_path / "again")
    assert (tmp_path / "again" / "llama_cpp" / "lib" / "libllama.so").read_bytes() == content


def test_lengths_are_the_mixes_own_where_they_were_carried_and_waste_as_much_where_they_are_drawn(
    tmp_path: Path,
) -> None:
    drawn, source = rows.mix_lengths(tmp_path, 1600)
    assert source == "drawn, log-normal"
    assert 2.2 <= rows.slots_per_token(drawn, list(range(len(drawn)))) <= 3.2
    (tmp_path / rows.MIX_FILE).write_text("[5, 6]")
    assert rows.mix_lengths(tmp_path, 3) == ([5, 6, 5], "the real mix (2 rows)")
