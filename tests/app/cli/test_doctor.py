"""`temper doctor`: what is missing is found, each with what mends it; nothing calls out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import airgap, doctor
from store.errors import ExitCode
from store.records.machine import Diagnosis, Finding
from tests.app.cli.conftest import Temper


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which set-up has made nothing."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """Put a driver's tool on the PATH that prints `words`."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{words}\nEND\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def examined() -> dict[str, Any]:
    """What a process of its own finds on this machine, and the heavy modules it has loaded for that."""
    code = (
        "import sys\nfrom pathlib import Path\nimport msgspec\nfrom engine import doctor\n"
        "found = msgspec.to_builtins(doctor.examine(Path('.')))\n"
        "loaded = sorted({'torch', 'llama_cpp', 'transformers', 'chromadb'} & set(sys.modules))\n"
        "print(msgspec.json.encode({**found, 'loaded': loaded}).decode())\n"
    )
    words = [sys.executable, "-P", "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_environment_that_runs_the_tests_lacks_nothing(examined: dict[str, Any]) -> None:
    assert [one for one in examined["findings"] if one["status"] == "missing"] == []
    assert examined["ok"]
    names = {"python", "gpu", "llama.cpp", "converter", "torch", "packages", "embedder", "disk", "network"}
    assert names <= {one["name"] for one in examined["findings"]}


def test_examining_loads_nothing_heavy(examined: dict[str, Any]) -> None:
    assert examined["loaded"] == []


def test_something_missing_ends_with_3_and_the_command_that_mends_it(
    temper: Temper, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Finding("embedder", "missing", "it is not there", "scripts/setup")
    monkeypatch.setattr("engine.doctor.examine", lambda folder: Diagnosis(False, [absent]))
    ended = temper("doctor")
    assert ended.code == ExitCode.MISSING
    assert "mend it with: scripts/setup" in ended.out
    assert temper("doctor", "--json").json()["ok"] is False


def test_an_embedder_and_a_converter_that_set_up_has_not_made_are_missing(prefix: Path) -> None:
    for finding in (doctor.check_embedder(), doctor.check_converter()):
        assert (finding.status, finding.remedy) == ("missing", "scripts/setup")


def test_a_converter_of_another_version_than_the_library_is_found(prefix: Path) -> None:
    folder = prefix / "share" / "temper" / "llama.cpp"
    folder.mkdir(parents=True)
    (folder / "REVISION.json").write_text(json.dumps({"llama_cpp_python": "0.0.1"}), encoding="utf-8")
    finding = doctor.check_converter()
    assert finding.status == "missing"
    assert "0.0.1" in finding.detail


def test_a_library_that_does_not_load_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LLAMA", "raise ImportError")
    assert doctor.check_llama(gpu=False).status == "missing"


def test_a_gpu_with_a_cpu_build_is_missing_something_unless_that_was_asked_for(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_LLAMA", "print('0.3.36 False')")
    assert doctor.check_llama(gpu=True).status == "missing"
    (prefix / "setup.stamp").write_text('{"force_cpu": true}', encoding="utf-8")
    assert doctor.check_llama(gpu=True).status == "note"
    assert doctor.check_llama(gpu=False).status == "ok"


def test_a_gpu_is_named_in_the_words_of_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "NVIDIA GeForce RTX 4090, 24564 MiB, 570.86")
    finding = doctor.check_gpu(doctor.find_gpu())
    assert (finding.status, finding.detail) == ("ok", "NVIDIA GeForce RTX 4090, 24564 MiB, 570.86")


def test_memory_held_by_other_programs_is_named_with_pid_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia_smi(tmp_path, monkeypatch, "71, ollama, 4096 MiB\n72, python, 300 MiB")
    (finding,) = doctor.other_programs(ours=72)
    assert finding.detail == "4096 MiB held by ollama (pid 71)"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["click>=8.2,<9", "no-such-package>=1", 'pytest; extra == "dev"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: wanted)
    (finding,) = doctor.check_packages()
    assert (finding.status, finding.detail) == ("missing", "not installed: no-such-package")


def test_a_version_that_was_not_tested_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "constraints.txt").write_text("# pins\nclick==0.1  # old\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["click>=8.2,<9"])
    (finding,) = doctor.check_packages()
    assert finding.status == "note"
    assert "tested: 0.1" in finding.detail


def test_nothing_of_a_guarded_process_gets_out(temper: Temper) -> None:
    ended = temper("doctor", "--airgap", "--json")
    assert ended.code == 0
    found = {one["name"]: one for one in ended.json()["findings"]}
    for name in ("connection", "datagram", "name look-up", "web request"):
        assert found[name]["detail"] == "refused by the socket guard"
    assert {"proxies", "libraries", "telemetry"} <= set(found)


@pytest.mark.parametrize("outcome", ["open", "TimeoutError", "gaierror"])
def test_a_try_that_only_failed_proves_nothing(outcome: str) -> None:
    assert airgap.tried("connection", outcome).status == "missing"


def test_a_library_that_may_go_online_is_found() -> None:
    assert airgap.libraries({"HF_HUB_OFFLINE": "1"}).status == "missing"
    assert airgap.proxies({"http": "http://127.0.0.1:9"}).status == "missing"
