"""`temper export` with --ladder and --for: what is asked of the job, and how its result is printed."""

from __future__ import annotations

from typing import Any

import click
import msgspec
import pytest

from app.cli import export, ladder
from store.errors import ExitCode
from store.records.events import Finished
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.records.flips import FlippedCase
from store.records.hand_offs import HandOff
from store.records.ladders import Ladder, Rung
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.test_export import Started, asked, started, trained
from tests.workers import lay_run

__all__ = ["started", "trained"]

CHECK = ShipCheck("SHIP", texts=9, token_ids_equal=1.0, top1_agreement=1.0, reference="base, float32, cpu")


def rung(kind: str, size: int, **changes: Any) -> Rung:
    """A type's measurements."""
    given: dict[str, Any] = {
        "perplexity": 3.0,
        "kl_mean": 0.001,
        "suite_score": 0.5,
        "suite_cases": 8,
        "verdict": "SHIP",
    }
    return Rung(kind, size, 0.5, 100.0, 2_000_000, changed=1, answers=4, **given | changes)


def climbed() -> Ladder:
    """A ladder of three: the most exact, a good one, one that is out."""
    flipped = [FlippedCase("c7", False, "no", "yes"), FlippedCase("c9", True, "yes", "no")]
    return Ladder(
        [
            rung("f32", 4_000_000_000, kl_mean=1e-8),
            rung("q8_0", 1_060_000_000, flipped=flipped, fallbacks=3),
            rung("q3_k_m", 500_000_000, kl_mean=0.3, verdict="WARN", why_not="perplexity is 9.0% higher"),
        ],
        "q8_0",
        "the smallest that is good",
    )


def test_a_ladder_without_types_asks_for_all_that_there_can_be(
    temper: Temper, trained: str, started: Started
) -> None:
    assert temper("export", "last", "--ladder").code == 0
    # the rows of the run laid by hand are nowhere, so no type that needs them
    kinds = ("f32", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m")
    assert started.params == [asked(trained, *kinds, ladder=True)]
    assert started.command == f"temper export {trained} --quant {','.join(kinds)} --ladder"


def test_a_ladder_of_named_types_begins_with_the_most_exact(
    temper: Temper, trained: str, started: Started
) -> None:
    assert temper("export", "last", "--ladder", "--quant", "q4_0,q8_0").code == 0
    assert started.params[0]["types"] == ["q8_0", "q4_0"]


def test_every_type_is_a_line_and_the_one_to_take_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    ladder.print_ladder(climbed(), cases=False)
    printed = capsys.readouterr()
    lines = click.unstyle(printed.out).splitlines()
    assert lines[0].split() == [
        *("type", "size", "load", "tokens/s", "memory", "perplexity", "nats", "suite", "flipped", "answers"),
        "check",
    ]
    assert lines[2].split()[:3] == ["q8_0", "1.06", "GB"]
    assert lines[2].endswith(
        "2 of 8   1 of 4  SHIP   <- smallest within tolerance (3 tensors of another type)"
    )
    assert lines[3].endswith("WARN   perplexity is 9.0% higher")
    assert "q8_0: 1 case lost (c7) and 1 case gained (c9) against the trained model." in printed.err
    assert "Take q8_0: the smallest that is good." in click.unstyle(printed.err)


def test_the_chart_has_a_bar_per_type_by_size_and_by_divergence() -> None:
    head, *bars = [click.unstyle(line) for line in ladder.picture(climbed())]
    assert ("size" in head, "nats" in head) == (True, True)
    lengths = [[part.count("█") for part in line.split("GB" if "GB" in line else "MB")] for line in bars]
    assert [one[0] for one in lengths] == [26, 6, 3]
    assert lengths[0][1] < lengths[1][1] < lengths[2][1] == 26


def test_answers_to_flipped_cases_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    ladder.print_ladder(climbed(), cases=True)
    shown = click.unstyle(capsys.readouterr().out)
    assert "q8_0 c7: lost\n  file           no\n  trained model  yes\n" in shown


def test_where_no_type_is_good_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = climbed()
    found.smallest = ""
    ladder.print_ladder(found, cases=False)
    said = click.unstyle(capsys.readouterr().err)
    assert "No type is within tolerance" in said
    assert "The most exact one, f32, is kept." in said


def test_programs_are_asked_for_by_name(temper: Temper, trained: str, started: Started) -> None:
    assert temper("export", "last", "--for", "vLLM, ollama").code == 0
    assert started.params == [asked(trained, "q8_0", tools=["ollama", "vllm"])]
    assert started.command == f"temper export {trained} --quant q8_0 --for ollama,vllm"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--for", "word"), "Unknown program"),
        (("--for", "tgi", "--adapter-only"), "TGI cannot run this"),
        (("--for", "lmstudio", "--adapter-only"), "LM Studio cannot run this"),
    ],
)
def test_a_program_that_cannot_run_it_is_told_before_anything_starts(
    options: tuple[str, ...], word: str, temper: Temper, trained: str, started: Started
) -> None:
    ended = temper("export", "last", *options)
    assert (ended.code, started.params) == (ExitCode.USAGE, [])
    assert word in ended.err


def result(**changes: Any) -> ExportResult:
    """A finished export of an adapter."""
    files = [ExportedFile("/x/r-q8_0.gguf", "q8_0", 5, "ab", CHECK)]
    given: dict[str, Any] = {"files": files, "adapter": "r", "ship_check": CHECK}
    return ExportResult("export-1", "r", **given | changes)


def test_the_exact_commands_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    made = HandOff("vllm", "vllm serve /x/r-merged", notes=["Send the system prompt."])
    export.print_result(result(hand_offs=[made]))
    printed = capsys.readouterr()
    assert "vllm\n  vllm serve /x/r-merged\n" in click.unstyle(printed.out)
    assert "Send the system prompt." in printed.err


def test_an_adapter_by_itself_is_put_on_by_llama_cpp(capsys: pytest.CaptureFixture[str]) -> None:
    alone = ShipCheck("SHIP", texts=9, token_ids_equal=1.0, top1_agreement=1.0)
    files = [ExportedFile("/x/r-adapter-f32.gguf", "f32", 5, "ab", alone)]
    export.print_result(result(files=files, base_gguf="/x/base.gguf", ship_check=alone))
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1].split() == [
        *("f32", "5", "B", "100.0%", "100.0%", "-", "-", "SHIP", "/x/r-adapter-f32.gguf")
    ]
    assert "llama-server -m /x/base.gguf --lora /x/r-adapter-f32.gguf" in printed.err
    assert "variants add" not in printed.err


def test_a_folder_is_listed_with_dashes_for_what_was_not_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = ExportedFile("/x/r-peft", "peft", 5, "ab", hashes={"a": "b"})
    export.print_result(result(files=[folder]))
    assert capsys.readouterr().out.splitlines()[1].split() == ["peft", "5", "B", *"-----", "/x/r-peft"]


def test_the_json_has_the_ladder_and_the_commands(temper: Temper, trained: str, started: Started) -> None:
    found = temper("export", "last", "--json").json()
    assert (found["ladder"], found["hand_offs"]) == (None, [])


def test_a_finished_exports_page_shows_what_it_made(temper: Temper, workspace: Workspace) -> None:
    made = HandOff("vllm", "vllm serve /x/r-merged")
    found = msgspec.to_builtins(result(hand_offs=[made], ladder=climbed()))
    lay_run(workspace, "export-1", [Finished(status="finished", result=found)], "export")
    shown = temper("runs", "show", "export-1").out
    assert "<- smallest within tolerance" in shown
    assert "vllm serve /x/r-merged" in shown
    assert "/x/r-q8_0.gguf" in shown
