"""Every theme can be read: its texts stand out from what they stand on."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from app.tui import theme
from app.tui.widgets.variant_rows import VariantRows
from store.workspace import Workspace
from tests.app.tui.evals_stage import EvalsStaged, lay_eval
from tests.app.tui.stage import until

LEAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in Color.parse(colour).rgb]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("one", [theme.DARK, theme.LIGHT, theme.CONTRAST], ids=lambda one: one.name)
def test_texts_stand_out_from_the_panes(one: Theme) -> None:
    assert one.surface is not None
    named = {name: getattr(one, name) for name in ("primary", "secondary", "accent", "warning", "error")}
    named |= {"success": one.success, "foreground": one.foreground}
    states = {name: one.variables[name] for name in one.variables if name.startswith("state-")}
    for name, colour in {**named, **states, **{n: one.variables[n] for n in ("quiet", "faint")}}.items():
        assert colour is not None
        assert contrast(colour, one.surface) >= LEAST, name


def test_the_theme_of_high_contrast_keeps_its_word() -> None:
    for name in ("quiet", "faint"):
        assert contrast(theme.CONTRAST.variables[name], "#000000") >= 7.0  # level AAA
    cursor = theme.CONTRAST.variables
    assert contrast(cursor["block-cursor-foreground"], cursor["block-cursor-background"]) >= 7.0


@pytest.mark.asyncio
async def test_every_theme_that_can_be_chosen_has_all_that_the_screens_ask_for(workspace: Workspace) -> None:
    lay_eval(workspace, "eval-1", {"base": "x....x"})
    app = EvalsStaged(workspace)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.screen.query_one(VariantRows).count)
        for name in app.available_themes:
            app.theme = name
            await pilot.pause(0.02)
            assert app.screen.query_one(VariantRows).render_line(0)
