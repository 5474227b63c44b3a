"""`temper export`: what is refused before anything starts, what is started, printed, and the exit code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs.export_request import ExportParams
from engine.models.adapters import PASSPORT, adapter_folder
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store import runs
from store.errors import ExitCode
from store.records.events import Finished
from store.records.exports import ExportedFile, ExportResult, Mix, ShipCheck, Verdict
from store.records.runs import JobKind
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import lay_training
from tests.workers import lay_run

TINY = builtin_directory("tiny")


def asked(source: str, *types: str, **changes: Any) -> dict[str, Any]:
    """The job's parameters: what was asked for, and the defaults."""
    found: dict[str, Any] = msgspec.to_builtins(ExportParams(source, list(types), **changes))
    return found


class Started:
    """Exports that the command starts: laid by hand, ended at once with `verdict`."""

    def __init__(self) -> None:
        self.params: list[dict[str, Any]] = []
        self.verdict: Verdict = "SHIP"
        self.command = ""
        self.fallbacks: dict[str, list[str]] = {}

    def start(
        self, workspace: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str
    ) -> RunFolder:
        """In the place of engine.jobs.launch.start."""
        given = msgspec.to_builtins(params)
        self.params.append(given)
        self.command = command
        reasons = [] if self.verdict == "SHIP" else ["The file answers like the base without the adapter."]
        check = ShipCheck(
            self.verdict, reasons, 400, 0.99, 20, 0.9, 0.95, 1200, reference="base + adapter, float32, cpu"
        )
        check.kl_mean, check.kl_p99, check.positions = 0.002, 0.03, 1200
        check.suite, check.suite_cases, check.suite_score, check.suite_reference = "s", 50, 0.8, 0.9
        check.suite_low, check.suite_high = -0.21, 0.03
        files = [ExportedFile(f"/x/m-{kind}.gguf", kind, 3_000_000, "ab", check) for kind in given["types"]]
        for file in files if self.fallbacks else []:
            file.fallbacks = self.fallbacks
        adapter = given["source"] if given["source"].startswith("train") else ""
        mix = msgspec.convert(given["mix"], Mix | None)
        result = msgspec.to_builtins(ExportResult("export-1", given["source"], files, check, adapter, mix))
        return lay_run(workspace, "export-1", [Finished(status="finished", result=result)], job, command)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    stage = Started()
    monkeypatch.setattr("engine.jobs.launch.start", stage.start)
    return stage


@pytest.fixture
def trained(workspace: Workspace) -> str:
    """A training run on the embedded base as it is."""
    folder = lay_training(workspace)
    file = adapter_folder(folder.path) / PASSPORT
    passport = msgspec.json.decode(file.read_bytes()) | {"base_sha256": ModelDirectory(TINY).fingerprint()}
    file.write_bytes(msgspec.json.encode(passport))
    return folder.run_id


def test_a_run_is_exported_in_the_type_that_fits_its_size(
    temper: Temper, trained: str, started: Started
) -> None:
    assert temper("export", "last").code == 0
    assert started.params == [asked(trained, "q8_0")]
    assert started.command == f"temper export {trained} --quant q8_0"


def test_types_and_folder_are_those_asked_for(
    temper: Temper, workspace: Workspace, started: Started, tmp_path: Path
) -> None:
    ended = temper("export", "tiny", "--quant", "Q4_K_M,f16", "--out", str(tmp_path / "out"))
    assert ended.code == 0
    assert started.params == [asked("tiny", "q4_k_m", "f16", out=str(tmp_path / "out"))]


def test_an_adapter_alone_is_asked_for_in_full_precision(
    temper: Temper, trained: str, started: Started
) -> None:
    assert temper("export", "last", "--adapter-only").code == 0
    assert started.params == [asked(trained, "f32", adapter_only=True)]
    assert started.command == f"temper export {trained} --quant f32 --adapter-only"


@pytest.mark.parametrize(
    ("arguments", "word"), [(("tiny",), "has no adapter"), (("last", "--quant", "q8_0"), "not in q8_0")]
)
def test_what_has_no_adapter_file_is_not_started(
    arguments: tuple[str, ...], word: str, temper: Temper, trained: str, started: Started
) -> None:
    ended = temper("export", *arguments, "--adapter-only")
    assert ended.code == ExitCode.USAGE
    assert word in ended.err
    assert started.params == []


def test_tensors_that_got_another_type_are_told(
    temper: Temper, workspace: Workspace, started: Started
) -> None:
    started.fallbacks = {"q5_0": [f"blk.{n}.attn_q.weight" for n in range(5)], "f16": ["x.weight"]}
    told = temper("export", "tiny", "--quant", "q4_k_m").err
    assert "q4_k_m: 1 tensor is f16 (x.weight); 5 tensors are q5_0 (blk.0.attn_q.weight, " in told


def test_the_json_has_run_files_and_verdict(temper: Temper, workspace: Workspace, started: Started) -> None:
    found = temper("export", "tiny", "--json").json()
    assert found["run_id"] == "export-1"
    assert {"path", "type", "bytes", "sha256"} <= found["files"][0].keys()
    assert (found["ship_check"]["verdict"], found["ship_check"]["reasons"]) == ("SHIP", [])


def test_people_see_a_line_per_file_and_what_comes_next(
    temper: Temper, workspace: Workspace, started: Started
) -> None:
    ended = temper("export", "tiny", "--quant", "q8_0,f16")
    lines = ended.out.splitlines()
    assert lines[0].split() == [
        *("type", "size", "token", "ids", "answers", "nats", "suite", "check", "file")
    ]
    assert lines[1].split() == [
        *("q8_0", "3", "MB", "99.0%", "95.0%", "0.002", "80.0%", "SHIP", "/x/m-q8_0.gguf")
    ]
    assert "90.0%, the difference is -21.0% to +3.0% (95%)" in ended.err
    assert len(lines) == 3
    assert "temper variants add NAME --model tiny --quant q8_0" in ended.err


def test_the_next_step_of_a_run_names_its_adapter(temper: Temper, trained: str, started: Started) -> None:
    assert f"variants add NAME --adapter {trained} --quant q8_0" in temper("export", trained).err


@pytest.fixture
def kept(temper: Temper, trained: str) -> str:
    """The same adapter, kept under a name."""
    assert temper("adapters", "keep", trained, "--as", "other").code == 0
    return "other"


def test_adapters_are_combined_as_the_options_say(
    temper: Temper, trained: str, kept: str, started: Started
) -> None:
    options = ("--adapter", "last:0.7", "--adapter", kept, "--combine", "dare_ties", "--seed", "3")
    ended = temper("export", *options, "--density", "0.2")
    assert ended.code == 0, ended.err
    shares = [{"adapter": trained, "weight": 0.7}, {"adapter": "other", "weight": 1.0}]
    mix = {"adapters": shares, "way": "dare_ties", "density": 0.2, "seed": 3}
    assert started.params == [asked("", "q8_0") | {"mix": mix}]
    assert started.command == (
        f"temper export --adapter {trained}:0.7 --adapter other:1 --combine dare_ties --density 0.2 --seed 3 "
        "--quant q8_0"
    )
    assert "variants add NAME --model /x/m-q8_0.gguf\n" in ended.err


def test_one_adapter_at_its_full_weight_is_a_run_like_any_other(
    temper: Temper, trained: str, started: Started
) -> None:
    assert temper("export", "--adapter", "last").code == 0
    assert started.params == [asked(trained, "q8_0")]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "Neither RUN|MODEL nor --adapter"),
        (("last", "--adapter", "other"), "Both RUN|MODEL and --adapter"),
        (("--adapter", "last:much", "--adapter", "other"), "weight is no number"),
        (("--adapter", "other:1", "--adapter", "other:2"), "named twice"),
        (("--adapter", "tiny:1", "--adapter", "other"), "This is no adapter"),
        (("--adapter", "last", "--adapter", "nobody"), "Nothing here is called"),
    ],
)
def test_a_mix_that_could_only_fail_is_not_started(
    arguments: tuple[str, ...], word: str, temper: Temper, kept: str, started: Started
) -> None:
    ended = temper("export", *arguments)
    assert ended.code == ExitCode.USAGE
    assert word in ended.err
    assert started.params == []


def test_adapters_of_two_bases_are_not_combined(
    temper: Temper, workspace: Workspace, kept: str, started: Started
) -> None:
    file = workspace.paths.adapters / kept / PASSPORT
    passport = msgspec.json.decode(file.read_bytes()) | {"base_sha256": "another"}
    file.write_bytes(msgspec.json.encode(passport))
    ended = temper("export", "--adapter", "last", "--adapter", kept)
    assert ended.code == ExitCode.USAGE
    assert "has another base than" in ended.err
    assert started.params == []


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_blocked_export_exits_with_refused_and_says_why(
    options: tuple[str, ...], temper: Temper, workspace: Workspace, started: Started
) -> None:
    started.verdict = "BLOCK"
    ended = temper("export", "tiny", *options)
    assert ended.code == ExitCode.REFUSED
    assert "like the base without the adapter" in ended.out + ended.err
    assert "variants add" not in ended.err


def test_a_warning_is_no_failure(temper: Temper, workspace: Workspace, started: Started) -> None:
    started.verdict = "WARN"
    assert temper("export", "tiny").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("./nowhere",), ExitCode.MISSING, "not there"),
        (("nothing",), ExitCode.USAGE, "Nothing here is called"),
        (("tiny", "--quant", "q9_9"), ExitCode.USAGE, "q4_k_m"),
    ],
)
def test_what_could_only_fail_is_not_started(
    arguments: tuple[str, ...], code: ExitCode, word: str, temper: Temper, workspace: Workspace
) -> None:
    ended = temper("export", *arguments)
    assert ended.code == code
    assert word in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_model_without_one_of_its_shards_is_not_started(
    temper: Temper, workspace: Workspace, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(TINY, tmp_path / "base"))
    (base / "model.safetensors").rename(base / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (base / "model.safetensors.index.json").write_bytes(msgspec.json.encode(index))
    ended = temper("export", str(base))
    assert ended.code == ExitCode.MISSING
    assert "model-2.safetensors" in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_run_on_a_base_that_has_changed_is_not_started(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)  # its passport names no hash
    ended = temper("export", folder.run_id)
    assert ended.code == ExitCode.USAGE
    assert "made for another base" in ended.err
