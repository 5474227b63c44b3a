"""What the data screen is made of, without a screen: tokens as lines, charts, cells, the shelf."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from app.tui import shelf
from app.tui.flow import FlowLine
from app.tui.mending import command_of, is_simple
from app.tui.preview_feed import PreviewFeed, View
from app.tui.row_feed import RowFeed, cells_of
from app.tui.texts import fit, visible
from app.tui.token_lines import (
    CUT,
    ODD,
    SHOWN_FIRST,
    SHOWN_LAST,
    SPECIAL,
    TRAINED,
    lay,
    look_of,
)
from app.tui.widgets import figures, finding_words
from app.tui.widgets.book_list import lineage
from app.tui.widgets.dropped_pane import kind_of
from app.tui.widgets.preview_pane import share
from store.errors import TemperError
from store.records.data import Dropped, Edit, Example, Message
from store.records.findings import Group
from store.records.preview import Preview, Token
from store.workspace import Workspace
from tests.app.tui.data_stage import example, finding, findings, lay_dataset, lay_report


def previewed(texts: list[str], trained: set[int] = frozenset(), cut_from: int = 1 << 30) -> Preview:  # type: ignore[assignment]  # an empty set
    """A preview of these tokens."""
    tokens = [
        Token(at, text, at in trained and at < cut_from, at >= cut_from) for at, text in enumerate(texts)
    ]
    cut = sum(token.cut for token in tokens)
    return Preview("r", 1, "train", "tiny", "assistant", 512, tokens, len(trained), cut, 0, True)


def texts_of(lines: list[FlowLine]) -> list[str]:
    """What stands in each line."""
    return [line.rule or "".join(piece.text for piece in line.pieces) for line in lines]


def test_a_word_of_several_tokens_is_not_broken() -> None:
    assert texts_of(lay(previewed(["Does", " a", " back", "up", " hold"]), 8)) == [
        "Does a ",
        "backup ",
        "hold",
    ]


def test_line_breaks_are_seen_and_made() -> None:
    assert texts_of(lay(previewed(["a\nb", "\n\n", "c"]), 20)) == ["a↵", "b↵", "↵", "c"]


def test_a_word_wider_than_the_screen_is_cut_to_its_width() -> None:
    assert texts_of(lay(previewed(["x" * 20]), 8)) == ["x" * 8, "x" * 8, "x" * 4]


@pytest.mark.parametrize("text", ["日本語" * 9, "👩‍👩‍👧 family 日本 a", "e\u0301" * 30, "\u202eabc\x1b[31m"])
def test_no_line_is_wider_than_the_screen(text: str) -> None:
    for width in (8, 9, 13):
        assert all(cell_len(line) <= width for line in texts_of(lay(previewed(list(text)), width)))
        assert all(cell_len(line) <= width for line in texts_of(lay(previewed([text]), width)))


def test_every_character_of_every_token_is_shown() -> None:
    texts = ["Does", " a", " backup", " stay valid  for ", "ever", "?", " " * 30, "日本"]
    assert "".join(texts_of(lay(previewed(texts), 10))) == "".join(texts)


def test_the_cut_is_a_line_of_its_own() -> None:
    lines = lay(previewed(["a", " b", " c"], cut_from=2), 60)
    assert texts_of(lines) == ["a b", "cut here, at 2 tokens: 1 behind it are not trained on", " c"]


def test_a_token_looks_by_what_it_is() -> None:
    assert look_of(Token(1, "<|im_end|>", True), 0) == SPECIAL | TRAINED
    assert look_of(Token(1, " a < b", False, cut=True), 1) == CUT | ODD


def test_of_a_very_long_row_both_ends_are_laid_out() -> None:
    count = SHOWN_FIRST + SHOWN_LAST + 500
    said = texts_of(lay(previewed([f" {at}" for at in range(count)]), 80))
    assert "500 tokens are not shown" in said
    assert said[-1].endswith(str(count - 1))


def test_nothing_that_a_terminal_would_obey_is_left() -> None:
    assert visible("a\x1b[31mb\x9b\u202e") == "a␛[31mb��"


@pytest.mark.parametrize("text", ["short", "a very long text indeed", "日本語日本語日本語", "", "a\nb\tc"])
def test_a_cell_is_exactly_as_wide_as_asked(text: str) -> None:
    assert [cell_len(fit(text, width)) for width in (1, 7, 12)] == [1, 7, 12]


def test_counts_by_name_become_bars_the_largest_first() -> None:
    lines = str(figures.charts({"classes": {"fees": 2, "recovery": 6}}, 60)).splitlines()
    assert lines[0] == "classes"
    assert lines[1].startswith("recovery ━")
    assert lines[1].endswith("75 %")
    assert lines[2].startswith("fees")


def test_counts_by_length_become_columns_in_their_order() -> None:
    chart = str(figures.charts({"tokens": {"0-31": 1, "32-63": 8, "64-127": 4}}, 60)).splitlines()
    assert chart[1][6:12] == "██████"  # the middle column reaches the top
    assert chart[-1].startswith("0-31")
    assert chart[-1].endswith("64-127")


def test_classes_that_do_not_fit_are_named_by_the_smallest() -> None:
    counts = {f"class {number}": 100 - number for number in range(30)}
    said = str(figures.charts({"classes": counts}, 60))
    assert "18 more" in said
    assert "'class 29' with 71" in said


def test_records_become_bars_by_what_is_text_in_them() -> None:
    counts = [{"class": "fees", "rows": 6, "train": 5}, {"class": "card", "rows": 2, "train": 2}]
    lines = str(
        figures.charts({"counts": counts, "few": ["card"], "ratio": 3.0, "p": 0.00021}, 60)
    ).splitlines()
    assert lines[0] == "few card   ratio 3   p 0.00021"
    assert lines[2].startswith("fees ━")
    assert lines[2].endswith("6  75 %")
    clusters = [{"words": ["lost", "phone"], "row": "a1", "train": 4}]
    assert "lost phone" in str(figures.charts({"clusters": clusters}, 60))


def test_the_command_is_found_in_a_remedy_and_run_only_where_it_is_simple() -> None:
    remedy = "Clean the source, or: temper data fix support --drop encoding/control"
    assert command_of(finding("encoding", "warn", "", [], remedy)) == remedy.partition("or: ")[2]
    assert command_of(finding("coverage", "info", "", [], "Add rows like those listed.")) == ""
    assert is_simple("temper data fix support --mask pii")
    assert not is_simple("temper data fix support --resolve-conflicts labels")
    assert not is_simple("")


@pytest.mark.parametrize("value", [{}, [], None, True, {"a": "b"}, [["x", "y"]], object()])
def test_figures_of_any_other_kind_are_passed_over(value: object) -> None:
    assert figures.charts({"what": value}, 60) is None


@pytest.mark.parametrize(("count", "said"), [(0, "0 %"), (1, "<1 %"), (999, ">99 %"), (1000, "100 %")])
def test_a_share_never_rounds_to_nothing_or_to_all(count: int, said: str) -> None:
    assert figures.percent(count, 1000) == said


def test_reasons_are_counted_without_their_particulars() -> None:
    assert kind_of("not JSON: Expecting ',' (char 41)") == "not JSON"
    assert kind_of("empty") == "empty"


def test_lineage_names_parent_and_edits(workspace: Workspace) -> None:
    lay_dataset(workspace)
    made = lay_dataset(
        workspace, parent="support@1", edits=[Edit("drop_duplicates", 12), Edit("mask_pii", 3)]
    )
    assert lineage(made) == "from @1: drop duplicates 12, mask pii 3"


def test_the_share_says_what_a_cut_costs() -> None:
    preview = previewed(["a"] * 10, trained={5, 6, 7, 8}, cut_from=7)
    preview.trained, preview.cut_trained, preview.eos_trained = 2, 2, False
    said = str(share(preview, 100))
    assert "2 of 7 tokens carry loss, 29 %" in said
    assert "end not trained" in said
    assert "3 cut, 2 of the answer" in said


def test_rows_of_a_preference_show_both_endings() -> None:
    both = Example(
        "r",
        1,
        [Message("user", "q"), Message("assistant", "good")],
        rejected=[Message("assistant", "bad")],
        prompt_turns=1,
    )
    assert cells_of(both).answer == "good  ≻  bad"


def test_the_shelf_lists_versions_newest_first_and_what_was_never_imported(workspace: Workspace) -> None:
    assert [(book.key, book.info) for book in shelf.look(workspace)] == [("support", None)]
    first = lay_dataset(workspace)
    lay_report(workspace, first, verdict="warn")
    lay_dataset(workspace, parent="support@1")
    assert [(book.key, book.verdict) for book in shelf.look(workspace)] == [
        ("support@2", ""),
        ("support@1", "warn"),
    ]


def test_a_new_version_or_report_changes_the_stamp(workspace: Workspace) -> None:
    stamps = [shelf.stamp(workspace)]
    info = lay_dataset(workspace)
    stamps.append(shelf.stamp(workspace))
    lay_report(workspace, info)
    stamps.append(shelf.stamp(workspace))
    assert len(set(stamps)) == 3
    assert shelf.stamp(workspace) == stamps[-1]


def test_rows_of_a_finding_stand_under_what_ties_them_together(workspace: Workspace) -> None:
    feed = RowFeed(workspace.paths, lay_dataset(workspace))
    leak = findings()[0]
    leak.rows.append(finding("x", "info", "", [30]).rows[0])
    assert finding_words.entries(leak, feed) == [
        "the same question · 1.00 · 2 rows",
        6,
        14,
        "13 words in a row · 0.83 · 2 rows",
        13,
        21,
        "by themselves",
        30,
    ]


def test_rows_that_a_version_no_longer_has_are_passed_over(workspace: Workspace) -> None:
    feed = RowFeed(workspace.paths, lay_dataset(workspace, rows=3))
    gone = finding("pii", "warn", "", [1, 900], groups=[Group(["gone"])])
    assert finding_words.entries(gone, feed) == [1]
    assert finding_words.matching(gone, feed) == [1]


def test_dropped_rows_are_read_whole(workspace: Workspace) -> None:
    info = lay_dataset(workspace, dropped=[Dropped(3, "empty")])
    assert shelf.read_page(workspace, info).dropped == [Dropped(3, "empty")]


def test_a_recipe_that_trains_on_the_dataset_sees_it_first(workspace: Workspace) -> None:
    feed = PreviewFeed(workspace)
    assert feed.first_name("support") == "tuned"  # the default variant: no recipe here is complete
    recipe = workspace.root / "recipes" / "support.toml"
    recipe.write_text('base = "tiny"\ndataset = "support@1"\n', encoding="utf-8")
    assert feed.first_name("support") == "recipes/support.toml"
    assert feed.first_name("other") == "tuned"


def test_a_row_is_previewed_by_the_real_tokenizer_under_the_mask_asked_for(workspace: Workspace) -> None:
    feed = PreviewFeed(workspace)
    seen = feed.preview(example(0), View("tiny"))
    assert "".join(token.text for token in seen.tokens if token.trained).startswith('{"intent": "recovery"}')
    assert seen.eos_trained
    whole = feed.preview(example(0), View("tiny", mask="whole"))
    assert whole.mask == "whole"
    assert whole.trained > seen.trained


@pytest.mark.parametrize("name", ["", "nobody", "recipes/gone.toml"])
def test_a_view_that_cannot_be_used_says_why(workspace: Workspace, name: str) -> None:
    with pytest.raises(TemperError):
        PreviewFeed(workspace).preview(example(0), View(name))
