"""The cache of llama.cpp builds: what is in it can be used, or is built again."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from set_up import llama
from set_up.llama import Cache, is_whole, tree_sha256
from set_up.machine import Backend


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An unpacked archive as far as the converter goes."""
    vendor = tmp_path / "source" / "vendor" / "llama.cpp"
    for name in llama.CONVERTER:
        if "." in name or name.isupper():
            vendor.mkdir(parents=True, exist_ok=True)
            (vendor / name).write_text(name)
        else:
            (vendor / name / "tests").mkdir(parents=True)
            (vendor / name / "a.py").write_text(name)
            (vendor / name / "tests" / "test_a.py").write_text(name)
    return tmp_path / "source"


@pytest.fixture
def built(tmp_path: Path, source: Path) -> Path:
    """A whole build in the cache."""
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "llama_cpp_python-1-py3-none-any.whl").touch()
    llama.copy_converter(source, folder / "converter", "1")
    return folder


def test_a_finished_build_is_whole(built: Path) -> None:
    assert is_whole(built)


def test_the_converter_comes_without_its_own_tests(built: Path) -> None:
    assert (built / "converter" / "conversion" / "a.py").is_file()
    assert not (built / "converter" / "conversion" / "tests").exists()


def test_the_converter_says_which_version_it_is(built: Path) -> None:
    recorded = json.loads((built / "converter" / llama.REVISION).read_text())
    assert recorded["llama_cpp_python"] == "1"
    assert recorded["tree_sha256"] == tree_sha256(built / "converter")


def test_a_build_without_its_wheel_is_not_whole(built: Path) -> None:
    next(built.glob("*.whl")).unlink()
    assert not is_whole(built)


def test_a_build_with_a_changed_converter_is_not_whole(built: Path) -> None:
    (built / "converter" / "convert_hf_to_gguf.py").write_text("something else")
    assert not is_whole(built)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]"])
def test_a_build_with_a_damaged_record_is_not_whole(built: Path, content: str) -> None:
    (built / "converter" / llama.REVISION).write_text(content)
    assert not is_whole(built)


def test_the_tree_hash_sees_names_and_contents_but_no_compiled_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = tree_sha256(tmp_path)
    (tmp_path / "a.pyc").write_text("compiled")
    (tmp_path / llama.REVISION).write_text("{}")
    assert tree_sha256(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert tree_sha256(tmp_path) != first


def test_builds_for_another_backend_have_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPER_CACHE", "/cache")
    cpu, cuda = (Cache(Backend(kind, "")).wheel_folder("1") for kind in ("cpu", "cuda"))
    assert cpu != cuda
    assert cpu.parent == Path("/cache/wheels")


def test_the_cache_follows_the_desktops_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEMPER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert Cache(Backend("cpu", "")).folder == Path("/xdg/temper")


def test_unpacking_leaves_out_what_nothing_here_loads(tmp_path: Path) -> None:
    text = f"before\n{llama.FORCED_ON}\nafter\n".encode()
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("llama/CMakeLists.txt")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    unpacked = llama.unpack(tmp_path / "a.tar.gz", tmp_path / "out") / "CMakeLists.txt"
    assert "LLAMA_BUILD_COMMON OFF" in unpacked.read_text()


def test_the_builds_progress_has_an_estimate() -> None:
    text = "noise\n[1/80] Building a\n[20/80] Building b\n"
    assert llama.build_progress(text, 30.0) == "20/80 compiled, about 90 s left"
    assert llama.build_progress("Configuring", 3.0) == ""


def test_what_is_installed_is_compared_with_the_cache_by_name(tmp_path: Path) -> None:
    (tmp_path / "installed").write_text("wheel-a\n")
    assert llama.is_same(tmp_path / "installed", tmp_path / "wheel-a")
    assert not llama.is_same(tmp_path / "installed", tmp_path / "wheel-b")
    assert not llama.is_same(tmp_path / "none", tmp_path / "wheel-a")
