"""What set-up concludes from what it finds on a machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from set_up import machine
from set_up.console import SetupError
from set_up.machine import Backend, choose_backend

from tests.scripts.conftest import Program

LISTS_ONE = "echo 'GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-1)'"
RTX = "GPU 0: NVIDIA GeForce RTX 4090"


@pytest.fixture
def no_node(tmp_path: Path) -> Path:
    return tmp_path / "nvidia0"


def test_a_machine_without_a_gpu_builds_for_the_cpu_and_says_why(bare_path: Path, no_node: Path) -> None:
    chosen = choose_backend(False, no_node)
    assert chosen.kind == "cpu"
    assert "no GPU" in chosen.why


def test_a_cuda_compiler_without_a_gpu_is_named_and_not_used(program: Program, no_node: Path) -> None:
    nvcc = program("nvcc", "")
    chosen = choose_backend(False, no_node)
    assert (chosen.kind, chosen.nvcc) == ("cpu", None)
    assert str(nvcc) in chosen.why


def test_a_gpu_and_its_compiler_build_for_cuda(program: Program, no_node: Path) -> None:
    program("nvidia-smi", LISTS_ONE)
    nvcc = program("nvcc", "")
    chosen = choose_backend(False, no_node)
    assert (chosen.kind, chosen.nvcc) == ("cuda", nvcc)
    assert RTX in chosen.why


def test_a_device_node_is_a_gpu_even_without_its_tools(program: Program, no_node: Path) -> None:
    no_node.touch()
    program("nvcc", "")
    assert choose_backend(False, no_node).kind == "cuda"


@pytest.mark.parametrize("answer", ["exit 9", "echo 'No devices found'", "echo 'GPU 0: X'; exit 1"])
def test_a_driver_that_lists_nothing_is_no_gpu(program: Program, no_node: Path, answer: str) -> None:
    program("nvidia-smi", answer)
    assert choose_backend(False, no_node).kind == "cpu"


def test_a_gpu_without_the_compiler_stops_with_the_command_that_mends_it(
    program: Program, no_node: Path
) -> None:
    program("nvidia-smi", LISTS_ONE)
    with pytest.raises(SetupError) as caught:
        choose_backend(False, no_node)
    assert caught.value.code == 3
    assert RTX in caught.value.cause
    assert "apt-get install -y nvidia-cuda-toolkit" in caught.value.remedy.splitlines()[0]
    assert "scripts/setup --cpu" in caught.value.remedy


def test_the_cpu_can_be_asked_for_although_there_is_a_gpu(program: Program, no_node: Path) -> None:
    program("nvidia-smi", LISTS_ONE)
    chosen = choose_backend(True, no_node)
    assert chosen.kind == "cpu"
    assert "as asked with --cpu" in chosen.why
    assert RTX in chosen.why


def test_a_compiler_off_the_path_is_found_where_installers_leave_it(
    bare_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc = tmp_path / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.touch()
    assert machine.find_nvcc() is None
    monkeypatch.setattr("set_up.machine.CUDA_HOMES", (str(tmp_path / "cuda"),))
    assert machine.find_nvcc() == nvcc


def test_missing_build_tools_are_one_command(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError) as caught:
        machine.check_build_tools()
    assert caught.value.remedy == "sudo apt-get install -y g++ cmake"


def test_only_the_tool_that_is_missing_is_named(program: Program) -> None:
    program("c++", "")
    with pytest.raises(SetupError, match=r"^cmake missing$"):
        machine.check_build_tools()
    program("cmake", "")
    machine.check_build_tools()


def test_a_full_disk_stops_the_first_set_up_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("set_up.machine.NEEDED", {"cpu": 1 << 62})
    with pytest.raises(SetupError, match="not enough room"):
        machine.check_space(tmp_path, Backend("cpu", ""))
    (tmp_path / ".venv").mkdir()
    machine.check_space(tmp_path, Backend("cpu", ""))


def test_a_native_build_is_told_apart_by_the_processors_features(tmp_path: Path) -> None:
    old, new, shuffled = (tmp_path / name for name in ("old", "new", "shuffled"))
    old.write_text("processor : 0\nflags : sse avx2\nprocessor : 1\nflags : sse avx2\n")
    new.write_text("processor : 0\nflags : sse avx2 avx512f\n")
    shuffled.write_text("processor : 0\nflags : avx2 sse\n")
    assert machine.fingerprint(old) != machine.fingerprint(new)
    assert machine.fingerprint(old) != machine.fingerprint(tmp_path / "none")
    assert machine.fingerprint(shuffled) == machine.fingerprint(shuffled)


def test_the_cuda_build_finds_its_compiler() -> None:
    backend = Backend("cuda", "", Path("/opt/cuda/bin/nvcc"))
    environment = machine.build_environment(backend, {"PATH": "/usr/bin"})
    assert environment["CUDACXX"] == "/opt/cuda/bin/nvcc"
    assert environment["PATH"] == "/opt/cuda/bin:/usr/bin"
    assert "CUDACXX" not in machine.build_environment(Backend("cpu", ""), {"PATH": "/usr/bin"})
