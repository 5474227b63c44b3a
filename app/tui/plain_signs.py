"""For terminals that cannot show our signs: every one becomes an ASCII character of the same width.

Nothing else knows of it: what is drawn goes through here last.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = str.maketrans(
    {
        **dict(zip("━─╌═", "=---", strict=True)),
        **dict(zip("│┃├┤▏▎▍▌▐", "|||||||||", strict=True)),
        **dict(zip("▋▊▉█▀", "####=", strict=True)),
        **dict(zip("▁▂▃▄▅▆▇", "._-=+*%", strict=True)),
        **dict(zip("▛▜▙▟┌┐└┘╭╮╰╯", "++++++++++++", strict=True)),
        **dict(zip("✓✗▲▼■●◌◔◆†░", "+x!v#o.~*!:", strict=True)),
        **dict(zip("·…→←↑↓↳▸◂≻✂", ".~><^v`><>%", strict=True)),
        **dict(zip("⏎↵⌫", "<<<", strict=True)),
        **{chr(code): "*" for code in range(0x2801, 0x2900)},  # braille dots, of the charts
        "\u2800": " ",
    }
)
_UTF8 = ("utf-8", "utf8")


class PlainSigns(LineFilter):
    """`only_ascii`: the terminal takes no other letters either; each then becomes a question mark a cell."""

    def __init__(self, only_ascii: bool) -> None:
        super().__init__()
        self.only_ascii = only_ascii

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line with other characters, as wide as it was."""
        return [
            segment if segment.control or segment.text.isascii() else self._plain(segment)
            for segment in segments
        ]

    def _plain(self, segment: Segment) -> Segment:
        text = segment.text.translate(_SIGNS)
        if self.only_ascii and not text.isascii():
            text = "".join(letter if letter.isascii() else "?" * cell_len(letter) for letter in text)
        return Segment(text, segment.style)


def wanted(environment: Mapping[str, str]) -> PlainSigns | None:
    """What the terminal of this environment needs; None where it can show everything.

    The Linux console has too few signs, but letters. A locale that is named and is not UTF-8 has neither.
    TEMPER_SIGNS (plain or full) overrules both.
    """
    asked = environment.get("TEMPER_SIGNS", "")
    ascii_only = not _is_utf8(environment)
    if asked == "full" or not (asked == "plain" or ascii_only or environment.get("TERM") == "linux"):
        return None
    return PlainSigns(ascii_only)


def _is_utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale is UTF-8 or not named. LC_CTYPE says C.UTF-8 also where Python put that there."""
    chosen = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or "utf-8"
    if chosen == "C.UTF-8" and not environment.get("LC_ALL"):
        chosen = environment.get("LANG") or chosen
    return any(name in chosen.lower() for name in _UTF8)
