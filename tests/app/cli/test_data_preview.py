"""`temper data preview`: a row as it is, and as a model sees it, in colour or with brackets."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from app.cli.data.token_text import lines_of, text_of
from engine.data.preview import Previewer, View
from engine.models.builtin import builtin_directory
from store import clock, datasets
from store.errors import ExitCode
from store.example_table import Writer
from store.records.data import DatasetInfo, Example, Message, ToolCall
from store.records.preview import Preview
from store.workspace import Workspace
from tests.app.cli.conftest import Temper

ROWS = [
    Example("aa", 1, [Message("user", "Where is it?"), Message("assistant", "In the\nold house.")]),
    Example("bb", 4, [Message("user", "An \x1b[31mescape"), Message("assistant", "", [ToolCall("f", "{}")])]),
    Example(
        "cc",
        6,
        [Message("user", "Which?"), Message("assistant", "This.")],
        rejected=[Message("assistant", "That.")],
        prompt_turns=1,
    ),
    Example("dd", 7, [], "heldout", text="Once upon a time."),
]
TINY = builtin_directory("tiny")


@pytest.fixture(autouse=True)
def laid(workspace: Workspace) -> None:
    def write(folder: Path, version: int) -> DatasetInfo:
        with Writer(folder / datasets.ROWS) as writer:
            for example in ROWS:
                writer.add(example)
        splits = {"train": 3, "heldout": 1}
        return DatasetInfo("d", version, "chat", "d.jsonl", "0", "1", clock.stamp(), 4, 4, splits)

    with datasets.editing(workspace.paths, "d"):
        datasets.publish(workspace.paths, "d", write)


def seen(example: Example, max_length: int = 0) -> Preview:
    return Previewer(View("tiny", TINY, max_length=max_length)).preview(example)


def test_without_a_model_rows_are_shown_as_they_are(temper: Temper) -> None:
    told = temper("data", "preview", "d")
    assert told.out.startswith("row aa  line 1  train\n  user:      Where is it?\n  assistant: In the\n")
    assert "f({})" in told.out
    assert "not assistant: That." in told.out


def test_what_would_command_the_terminal_is_spelled(temper: Temper) -> None:
    for options in ([], ["--model", "tiny"]):
        told = temper("data", "preview", "d", "--row", "bb", *options)
        assert "An \\x1b[31mescape" in told.out


def test_what_carries_loss_stands_in_brackets_where_there_is_no_colour(temper: Temper) -> None:
    told = temper("data", "preview", "d", "--line", "1", "--model", "tiny")
    assert told.out.splitlines() == [
        "row aa  line 1  train  as tiny sees it, loss on what is in [[ ]]",
        "<|im_start|>user",
        "Where is it?<|im_end|>",
        "<|im_start|>assistant",
        "[[In the↵",
        "old house.<|im_end|>]]",
        told.out.splitlines()[-2],
        "",
    ]
    assert "trained" in told.out.splitlines()[-2]
    assert "EOS trained, nothing cut (max_length 512), mask assistant" in told.out


def test_in_colour_nothing_is_written_but_the_text_and_an_arrow_for_its_line_ends() -> None:
    preview = seen(ROWS[0])
    coloured = text_of(preview, colour=True, boundaries=False)
    plain = "".join(token.text for token in preview.tokens)
    assert click.unstyle(coloured).replace("↵", "") == plain
    assert click.style("In the↵", fg="green", underline=True) in coloured


def test_token_boundaries_are_drawn_when_asked_for(temper: Temper) -> None:
    told = temper("data", "preview", "d", "--row", "aa", "--model", "tiny", "--tokens")
    assert told.out.count("│") == len(seen(ROWS[0]).tokens)
    assert "<|im_start|>│user│↵\n│" in told.out


def test_the_place_of_the_cut_is_marked_and_what_it_costs_said() -> None:
    *_, text, figures, problem = lines_of(seen(ROWS[0], max_length=8), colour=False, boundaries=False)
    kept, marked, cut = text.partition("\n---- cut here: ")
    assert marked
    assert "[[" not in kept + cut
    assert "old house." in cut
    assert "of them with loss (max_length 8)" in figures
    assert "No token is left to train on" in problem


def test_json_is_the_preview(temper: Temper) -> None:
    told = temper("data", "preview", "d", "--line", "1", "--model", "tiny", "--json").json()
    assert (told["row"], told["line"], told["model"], told["mask"]) == ("aa", 1, "tiny", "assistant")
    assert set(told["tokens"][0]) >= {"id", "text", "trained", "cut"}
    assert "".join(token["text"] for token in told["tokens"] if token["trained"]).endswith("<|im_end|>")
    several = temper("data", "preview", "d", "-n", "2", "--model", "tiny", "--json").json()
    assert [one["row"] for one in several] == ["aa", "bb"]


def test_a_variant_brings_its_prompt_and_a_file_goes_before_it(temper: Temper, workspace: Workspace) -> None:
    assert "Sort the message." in temper("data", "preview", "d", "-n", "1", "--variant", "base").out
    (workspace.root / "other.md").write_text("Be brief.", encoding="utf-8")
    told = temper("data", "preview", "d", "-n", "1", "--variant", "base", "--prompt", "other.md")
    assert "Be brief." in told.out
    assert "Sort the message." not in told.out


def test_a_recipe_says_how_a_row_would_be_trained(temper: Temper) -> None:
    told = temper("data", "preview", "d", "-n", "1", "--recipe", "support", "--json").json()
    assert (told[0]["model"], told[0]["max_length"]) == ("tiny", 128)


def test_the_other_ending_of_a_preference_is_shown_when_asked_for(temper: Temper) -> None:
    shown = temper("data", "preview", "d", "--row", "cc", "--model", "tiny").out
    other = temper("data", "preview", "d", "--row", "cc", "--model", "tiny", "--rejected").out
    assert "[[This.<|im_end|>]]" in shown
    assert "[[That.<|im_end|>]]" in other
    assert "rejected ending" in other


def test_a_text_is_shown_too(temper: Temper) -> None:
    assert "text:      Once upon a time." in temper("data", "preview", "d", "--row", "dd").out
    assert "EOS trained" in temper("data", "preview", "d", "--row", "dd", "--model", "tiny").out


def test_a_mask_is_named_in_the_figures(temper: Temper) -> None:
    told = temper("data", "preview", "d", "-n", "1", "--model", "tiny", "--mask", "whole")
    assert "mask whole" in told.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--row", "zz"], "d has no row zz."),
        (["--row", "aa", "--line", "1"], "One row or one line."),
        (["--mask", "last"], "Seen by which model?"),
        (["--model", "none"], "No model is called 'none'."),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(temper: Temper, options: list[str], said: str) -> None:
    told = temper("data", "preview", "d", *options)
    assert told.code == ExitCode.USAGE
    assert said in told.err


def test_a_preview_loads_no_trainer(temper: Temper) -> None:
    before = set(sys.modules)
    temper("data", "preview", "d", "--model", "tiny")
    assert not (set(sys.modules) - before) & {"torch", "transformers", "trl", "peft"}
