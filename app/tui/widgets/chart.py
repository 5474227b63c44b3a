"""A run's curves, drawn by plotext. Imported when the first curve is shown, never before."""

from __future__ import annotations

from rich.text import Text
from textual.color import Color
from textual_plotext import PlotextPlot

from app.tui.board import History

SMOOTH = 0.04  # half of the moving mean's window, as a share of the curve
STEADY = 24  # with fewer points there is nothing to smooth

Rgb = tuple[int, int, int]


class LossChart(PlotextPlot):
    """What was measured in a dim line, its moving mean in a bright one, held-out rows in a third colour."""

    def __init__(self) -> None:
        super().__init__(id="chart")
        self._history: History | None = None
        self._measure = "loss"
        self._drawn: tuple[object, ...] = ()
        self._text = Text("")

    def show(self, history: History, measure: str = "loss") -> None:
        """Draw the curve of this measure."""
        self._history, self._measure = history, measure
        self.refresh()

    def render(self) -> Text:
        """The plot as text; drawn anew only when the curve, the size or the theme has changed."""
        history, width, height = self._history, self.size.width, self.size.height
        if history is None or width < 16 or height < 4 or len(history.steps) < 2:
            return Text("")
        told = (
            len(history.steps),
            len(history.evaluations),
            len(history.general),
            len(history.resumes),
            self._measure,
        )
        key = (history.run_id, *told, width, height, self.app.theme)
        if key != self._drawn:
            self._drawn = key
            self._text = self._draw(history, width, height)
        return self._text

    def _draw(self, history: History, width: int, height: int) -> Text:
        steps, values = history.curve((width - 8) * 2, self._measure)  # a braille cell is two points wide
        plot = self.plt
        plot.clear_figure()
        plot.plotsize(width, height)
        plot._set_size(width, height)  # plotsize() stops at the size of the terminal that Python started in
        surface, quiet = self._rgb("surface"), self._rgb("faint")
        plot.canvas_color(surface)
        plot.axes_color(surface)
        plot.ticks_color(self._rgb("quiet"))
        plot.xaxes(False, False)
        plot.yaxes(False, False)
        marks: list[float] = list(ticks(history.steps[0], history.steps[-1], max(2, width // 16)))
        plot.xticks(marks, [f"{mark:.0f}" for mark in marks])
        plot.yfrequency(max(2, height // 3))
        bright = self._rgb("state-running")
        if len(values) < STEADY:
            plot.plot(steps, values, marker="braille", color=bright)
        else:
            plot.plot(steps, values, marker="braille", color=quiet)
            plot.plot(steps, smoothed(values), marker="braille", color=bright)
        for step in history.resumes:
            plot.vline(step, color=quiet)
        at, held_out = history.held_out(self._measure)
        if held_out:
            plot.plot(at, held_out, marker="braille", color=self._rgb("warning"))
            plot.scatter(at, held_out, marker="●", color=self._rgb("warning"))
        return Text.from_ansi(plot.build())

    def _rgb(self, name: str) -> Rgb:
        return Color.parse(self.app.theme_variables[name]).rgb


def smoothed(values: list[float]) -> list[float]:
    """The centred moving mean, m[i] = mean(v[i-h .. i+h]), cut off at both ends; it does not lag."""
    half = max(1, round(len(values) * SMOOTH))
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def ticks(first: int, last: int, most: int) -> list[int]:
    """At most `most` + 1 round step numbers between `first` and `last`."""
    wanted = max(1.0, (last - first) / most)
    magnitude = 10 ** (len(str(int(wanted))) - 1)
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= wanted)
    return list(range(-(-first // step) * step, last + 1, step))
