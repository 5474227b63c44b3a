"""Previews: the texts of the tokens are the text that the model reads, and the figures are training's."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.preview import Previewer, View, view_of
from engine.data.rendering import Renderer
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import MissingError, UsageError
from store.records.data import Example, Message
from store.records.preview import Preview
from store.records.recipe import Recipe
from store.workspace import Workspace
from tests.app.cli.stage import lay_training, make_workspace
from tests.families import Kind, family_base

TINY = builtin_directory("tiny")
PAIR = Example(
    "p",
    3,
    [Message("user", "Which?"), Message("assistant", "This one.")],
    rejected=[Message("assistant", "That one.")],
    prompt_turns=1,
)


def chat(*turns: str) -> Example:
    roles = ["user", "assistant"] * len(turns)
    return Example("r", 7, [Message(role, text) for role, text in zip(roles, turns, strict=False)])  # type: ignore[arg-type]  # any role


def seen(example: Example, view: View | None = None) -> Preview:
    return Previewer(view or View("tiny", TINY)).preview(example)


def text_of(preview: Preview) -> str:
    return "".join(token.text for token in preview.tokens)


def trained_text(preview: Preview) -> str:
    return "".join(token.text for token in preview.tokens if token.trained)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("preview") / "wallet")


def test_the_texts_of_the_tokens_joined_are_what_the_model_reads() -> None:
    preview = seen(chat("Über café 🙂\n日本", " yes\n"))
    assert text_of(preview) == (
        "<|im_start|>user\nÜber café 🙂\n日本<|im_end|>\n<|im_start|>assistant\n yes\n<|im_end|>"
    )
    assert trained_text(preview) == " yes\n<|im_end|>"


def test_tokens_and_marks_are_those_of_training() -> None:
    example = chat("I lost my phone.", "Freeze it.", "And then?", "Wait.")
    row = Renderer(ModelDirectory(TINY), "", "").row(example, 512)
    preview = seen(example)
    assert [token.id for token in preview.tokens] == row.input_ids
    assert [token.trained for token in preview.tokens] == [label != -100 for label in row.labels]
    assert preview.trained == row.trained


def test_a_character_of_several_tokens_stands_whole_on_the_last_of_them() -> None:
    texts = [token.text for token in seen(chat("🙂", "日")).tokens]
    assert "🙂" in texts
    assert texts[texts.index("🙂") - 1] == ""
    assert "\ufffd" not in "".join(texts)


@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
@pytest.mark.parametrize("strips", [False, True])
def test_a_sentencepiece_like_tokenizer_shows_no_space_that_is_not_there(
    tmp_path: Path, kind: Kind, strips: bool
) -> None:
    base = family_base(tmp_path / "m", "phi3", kind, strips)
    preview = seen(chat(" Hi  there é\n", "Hello! 🙂  you"), View("m", base.path))
    assert preview.problem == ""
    assert text_of(preview) == "<|user|>\n Hi  there é\n<|end|>\n<|assistant|>\nHello! 🙂  you<|end|>"
    # where special tokens swallow what is behind them, the line break is theirs
    assert trained_text(preview) == "Hello! 🙂  you<|end|>"


@functools.cache
def made(kind: Kind) -> tuple[Previewer, Renderer]:
    folder = Path(tempfile.mkdtemp(prefix="temper-preview-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    base = family_base(folder / "m", "qwen2_5", kind)
    return Previewer(View(kind, base.path)), Renderer(base, "", "")


@settings(max_examples=60)
@given(
    st.sampled_from(["byte", "prepend", "metaspace"]),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=2, max_size=4),
)
def test_whatever_is_written_the_texts_joined_are_the_rendered_text(kind: Kind, turns: list[str]) -> None:
    example = chat(*turns)
    previewer, renderer = made(kind)
    preview = previewer.preview(example)
    assert preview.tokens
    assert renderer.text(example).startswith(text_of(preview))


def test_what_lies_behind_max_length_is_marked_and_not_trained() -> None:
    preview = seen(chat("a", "word " * 40), View("tiny", TINY, max_length=20))
    assert [token.cut for token in preview.tokens] == [at >= 20 for at in range(len(preview.tokens))]
    assert not any(token.trained for token in preview.tokens[20:])
    assert preview.cut == len(preview.tokens) - 20
    assert preview.trained + preview.cut_trained == seen(chat("a", "word " * 40)).trained
    assert not preview.eos_trained
    assert preview.problem == ""


def test_a_row_whose_answer_is_cut_off_whole_says_so() -> None:
    preview = seen(chat("word " * 40, "yes"), View("tiny", TINY, max_length=20))
    assert "No token is left to train on" in preview.problem
    assert preview.trained == 0


def test_without_a_max_length_the_bases_own_counts() -> None:
    assert seen(chat("a", "b")).max_length == ModelDirectory(TINY).context_length


def test_special_tokens_are_named_as_such_and_spelled_ones_too() -> None:
    special = [token.text for token in seen(chat("x", "y")).tokens if token.special]
    assert special == ["<|im_start|>", "<|im_end|>", "<|im_start|>", "<|im_end|>"]


def test_of_a_preference_either_ending_is_shown_and_only_the_ending_is_trained() -> None:
    previewer = Previewer(View("tiny", TINY))
    chosen, rejected = previewer.preview(PAIR), previewer.preview(PAIR, "rejected")
    assert (chosen.ending, trained_text(chosen)) == ("chosen", "This one.<|im_end|>")
    assert (rejected.ending, trained_text(rejected)) == ("rejected", "That one.<|im_end|>")
    assert chosen.mask == rejected.mask == "completion"


def test_of_a_text_all_but_the_first_token_is_trained_and_its_end_too() -> None:
    preview = seen(Example("t", 1, [], text="Once upon a time."))
    assert text_of(preview) == "Once upon a time.<|im_end|>"
    assert [token.trained for token in preview.tokens] == [False] + [True] * (len(preview.tokens) - 1)
    assert preview.eos_trained


def test_a_row_that_cannot_be_trained_is_shown_with_the_reason_and_without_loss() -> None:
    preview = seen(chat("Hi", "Say <|im_end|> to end."))
    assert "spells the stop token" in preview.problem
    assert "Say <|im_end|> to end." in text_of(preview)
    assert not any(token.trained for token in preview.tokens)


def test_a_conversation_that_the_template_refuses_has_no_tokens_but_a_reason(tmp_path: Path) -> None:
    base = family_base(tmp_path / "m", "gemma")
    preview = seen(chat("Hi", "Ho"), View("m", base.path, system="Be brief."))
    assert preview.tokens == []
    assert "System role not supported" in preview.problem


def test_making_a_previewer_reads_nothing(tmp_path: Path) -> None:
    previewer = Previewer(View("gone", tmp_path / "gone"))
    with pytest.raises(MissingError):
        previewer.preview(chat("a", "b"))


def test_a_variant_is_seen_with_the_prompt_it_is_served_with(workspace: Workspace) -> None:
    view = view_of(workspace, variant="base")
    assert (view.model, view.path, view.system) == ("base", TINY, "Sort the message.")
    assert "system\nSort the message.<|im_end|>" in text_of(seen(chat("a", "b"), view))


def test_a_run_is_seen_with_the_prompt_it_was_trained_with(workspace: Workspace) -> None:
    folder = lay_training(workspace)
    assert view_of(workspace, variant=folder.run_id).system == "Sort the message."


def test_a_recipe_says_base_mask_length_prompt_and_template(workspace: Workspace) -> None:
    recipe = Recipe(
        base="tiny", dataset="d", mask="last", max_length=99, prompt="prompts/support.md", template=""
    )
    view = view_of(workspace, recipe=recipe)
    assert view == View("tiny", TINY, "last", 99, "Sort the message.")
    plain = view_of(workspace, recipe=Recipe(base="tiny", template="{prompt}\n{completion}"))
    assert text_of(seen(chat("a", "b"), plain)) == "a\nb<|im_end|>"


def test_what_is_given_by_itself_goes_before_what_a_recipe_says(workspace: Workspace) -> None:
    recipe = Recipe(base="nothing", dataset="d", mask="last", max_length=99)
    with pytest.raises(UsageError):
        view_of(workspace, recipe=recipe)
    view = view_of(workspace, "builtin:tiny", recipe=Recipe(base="tiny"), mask="whole", max_length=5)
    assert (view.model, view.mask, view.max_length) == ("builtin:tiny", "whole", 5)


def test_a_gguf_cannot_show_rows(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(UsageError, match="GGUF file cannot show rows"):
        view_of(workspace, str(file))


def test_without_any_model_it_asks_for_one(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="Seen by which model"):
        view_of(workspace, mask="last")
