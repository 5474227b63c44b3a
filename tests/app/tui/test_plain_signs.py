"""Terminals that cannot show our signs get ASCII of the same width; others are left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

import app.tui
from app.tui import plain_signs
from app.tui.harmless import Harmless
from app.tui.plain_signs import PlainSigns
from app.tui.widgets.variant_rows import VariantRows
from store.workspace import Workspace
from tests.app.tui.evals_stage import EvalsStaged, lay_eval
from tests.app.tui.stage import until

BLACK = Color(0, 0, 0)


def test_nothing_that_a_terminal_obeys_is_written_and_lines_stay_as_wide() -> None:
    text = "a\x1b[31mred \x9b日本 \u202eb 👩\u200d👧"
    line = "".join(one.text for one in Harmless().apply([Segment(text)], BLACK))
    assert line == "a[31mred 日本 b 👩\u200d👧"
    assert cell_len(line) == cell_len(text)


def plain(text: str, only_ascii: bool = False) -> str:
    return "".join(one.text for one in PlainSigns(only_ascii).apply([Segment(text)], BLACK))


def test_a_bar_with_its_interval_is_still_one() -> None:
    assert plain("━━├─●─┤··") == "==|-o-|.."


def test_every_sign_of_the_screens_has_a_plain_one_as_wide() -> None:
    sources = Path(app.tui.__file__).parent.rglob("*.py")
    signs = set(re.findall(r"[^\x00-\x7f]", "".join(path.read_text(encoding="utf-8") for path in sources)))
    assert len(signs) > 40
    for sign in signs:
        assert plain(sign).isascii(), sign
        assert cell_len(plain(sign)) == cell_len(sign)


def test_letters_stay_where_the_terminal_has_them_and_keep_their_width_where_it_has_not() -> None:
    assert plain("Größe 漢字") == "Größe 漢字"
    assert plain("Größe 漢字", only_ascii=True) == "Gr??e ????"


@pytest.mark.parametrize(
    ("environment", "signs"),
    [
        ({}, "full"),
        ({"LANG": "de_DE.UTF-8", "TERM": "xterm-256color"}, "full"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),  # which Python put there
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, "full"),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "ascii"),
        ({"LANG": "en_US.utf8", "TERM": "linux"}, "plain"),
        ({"LANG": "C", "TEMPER_SIGNS": "full"}, "full"),
        ({"LANG": "en_US.UTF-8", "TEMPER_SIGNS": "plain"}, "plain"),
    ],
)
def test_the_environment_says_what_the_terminal_can_show(environment: dict[str, str], signs: str) -> None:
    found = plain_signs.wanted(environment)
    assert signs == ("full" if found is None else "ascii" if found.only_ascii else "plain")


@pytest.mark.asyncio
async def test_the_whole_screen_goes_through_it(workspace: Workspace) -> None:
    lay_eval(workspace, "eval-1", {"base": "x....x"})
    screen = EvalsStaged(workspace)
    screen.signs = PlainSigns(only_ascii=True)
    async with screen.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: screen.screen.query_one(VariantRows).count)
        await pilot.press("enter")
        await pilot.pause(0.1)
        lines = [strip.text for strip in screen.screen._compositor.render_strips()]
        assert any("|" in line and "o" in line for line in lines)
        assert all(line.isascii() for line in lines)
        assert "enter Its cases" in lines[-1]
