"""Themes, dark, light and of high contrast, named after the colours that steel takes when it is tempered.

Colour carries meaning: what a run's state looks like is decided here and nowhere else. Texts stand out from
their ground by 4.5 to 1 (WCAG 2.2, 1.4.3) in every theme; `rule` and `trace` draw lines and no text.
"""

from __future__ import annotations

from textual.theme import Theme

from store.records.runs import State

DARK = Theme(
    name="temper-dark",
    dark=True,
    primary="#7fb2e5",  # the blue of fully tempered steel
    secondary="#9d8cd6",
    accent="#e8935a",  # copper: the brand and the keys
    warning="#e6b450",
    error="#f07178",
    success="#84cf92",
    foreground="#d5dbe6",
    background="#0f141a",
    surface="#151b23",
    panel="#1d2530",
    variables={
        "state-waiting": "#e6b450",
        "state-running": "#5ccfe6",
        "state-finished": "#84cf92",
        "state-failed": "#f07178",
        "state-cancelled": "#8a96a8",
        "quiet": "#8a96a8",
        "faint": "#76859d",
        "trace": "#4a5567",
        "rule": "#27313e",
        "block-cursor-background": "#243244",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1b2430",
        "block-cursor-blurred-foreground": "#d5dbe6",
        "input-selection-background": "#7fb2e5 30%",
        "border": "#7fb2e5",
        "border-blurred": "#27313e",
        "scrollbar": "#2c3745",
        "scrollbar-hover": "#3b495b",
        "scrollbar-active": "#7fb2e5",
        "scrollbar-background": "#151b23",
        "scrollbar-background-hover": "#151b23",
        "scrollbar-background-active": "#151b23",
        "scrollbar-corner-color": "#151b23",
    },
)

LIGHT = Theme(
    name="temper-light",
    dark=False,
    primary="#2767a6",
    secondary="#6a52b3",
    accent="#b4521a",
    warning="#946200",
    error="#b92f3a",
    success="#2b7a3d",
    foreground="#232a33",
    background="#f3f1ec",
    surface="#fbfaf7",
    panel="#e8e4dc",
    variables={
        "state-waiting": "#946200",
        "state-running": "#0b7285",
        "state-finished": "#2b7a3d",
        "state-failed": "#b92f3a",
        "state-cancelled": "#6b7280",
        "quiet": "#666f7b",
        "faint": "#6f7372",
        "trace": "#a9aca9",
        "rule": "#d9d4c9",
        "block-cursor-background": "#dbe6f1",
        "block-cursor-foreground": "#10151b",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#ebe8e1",
        "block-cursor-blurred-foreground": "#232a33",
        "input-selection-background": "#2767a6 25%",
        "border": "#2767a6",
        "border-blurred": "#d9d4c9",
        "scrollbar": "#cfcabf",
        "scrollbar-hover": "#b8b2a5",
        "scrollbar-active": "#2767a6",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-background-hover": "#fbfaf7",
        "scrollbar-background-active": "#fbfaf7",
        "scrollbar-corner-color": "#fbfaf7",
    },
)

CONTRAST = Theme(
    name="temper-contrast",
    dark=True,
    primary="#7fd1ff",
    secondary="#d0b8ff",
    accent="#ffb86b",
    warning="#ffe14d",
    error="#ff8f8f",
    success="#7dff9b",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1f1f1f",
    variables={
        "state-waiting": "#ffe14d",
        "state-running": "#6bf0ff",
        "state-finished": "#7dff9b",
        "state-failed": "#ff8f8f",
        "state-cancelled": "#d8d8d8",
        "quiet": "#e4e4e4",
        "faint": "#b8b8b8",
        "trace": "#9a9a9a",
        "rule": "#9a9a9a",
        "block-cursor-background": "#00407a",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#333333",
        "block-cursor-blurred-foreground": "#ffffff",
        "input-selection-background": "#7fd1ff 50%",
        "border": "#ffffff",
        "border-blurred": "#9a9a9a",
        "scrollbar": "#9a9a9a",
        "scrollbar-hover": "#ffffff",
        "scrollbar-active": "#ffffff",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "scrollbar-corner-color": "#000000",
    },
)

_OWN = ("quiet", "faint", "trace", "rule")


def own_variables(dark: bool) -> dict[str, str]:
    """The variables that are ours alone, for themes of others, which do not have them."""
    variables = (DARK if dark else LIGHT).variables
    return {name: one for name, one in variables.items() if name in _OWN or name.startswith("state-")}


# state -> (mark, colour variable): the mark alone must do where there is no colour
_STATES: dict[State, tuple[str, str]] = {
    "starting": ("◌", "$state-waiting"),
    "waiting": ("◔", "$state-waiting"),
    "running": ("●", "$state-running"),
    "finished": ("✓", "$state-finished"),
    "failed": ("✗", "$state-failed"),
    "cancelled": ("■", "$state-cancelled"),
    "died": ("†", "$state-failed"),
}


def mark(state: State) -> str:
    """The one-cell sign of a state."""
    return _STATES[state][0]


def colour(state: State) -> str:
    """The theme variable of a state's colour."""
    return _STATES[state][1]


# what a check says of rows or of a whole version, "" where none has run -> (mark, colour variable)
_SEVERITIES: dict[str, tuple[str, str]] = {
    "": ("◌", "$faint"),
    "ok": ("✓", "$success"),
    "info": ("·", "$quiet"),
    "warn": ("▲", "$warning"),
    "block": ("✗", "$error"),
}


def severity_mark(severity: str) -> str:
    """The one-cell sign of a finding's severity or a report's verdict."""
    return _SEVERITIES[severity][0]


def severity_colour(severity: str) -> str:
    """The theme variable of its colour."""
    return _SEVERITIES[severity][1]
