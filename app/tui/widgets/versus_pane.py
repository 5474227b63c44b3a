"""Two variants case by case: the verdict, what broke and what was fixed, both answers side by side."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.texts import fit, visible
from app.tui.widgets.cases_pane import field
from app.tui.widgets.long_list import LongList, Parts
from store.records.comparing import ChangedCase, Comparison, Difference

VERDICTS = {
    "better": ("B is better", "$success"),
    "worse": ("B is worse", "$error"),
    "same": ("no difference worth the name", "$primary"),
    "too_small": ("too few cases to tell", "$warning"),
}
GATES = {"passed": ("gate passed", "$success"), "failed": ("gate failed", "$error"), "none": ("", "")}
SLICES = 5
ALONE = Content.styled(
    "There is one variant only. Press e on another suite's variant, or evaluate a second.", "$quiet"
)


class ChangedList(LongList):
    """Broken cases below their head, then fixed ones."""

    def __init__(self) -> None:
        super().__init__(id="changed-list")
        self._lines: list[str | tuple[bool, ChangedCase]] = []

    @property
    def chosen(self) -> ChangedCase | None:
        """The case under the cursor."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else ""
        return line[1] if isinstance(line, tuple) else None

    def show(self, broken: list[ChangedCase], fixed: list[ChangedCase]) -> None:
        """Show these."""
        self._lines = []
        for title, good, cases in (("broken", False, broken), ("fixed", True, fixed)):
            if cases:
                self._lines += [f"{len(cases)} {title}", *((good, case) for case in cases)]
        self.set_count(len(self._lines))

    def is_head(self, index: int) -> bool:
        """Whether a line names those below it."""
        return isinstance(self._lines[index], str)

    def line(self, index: int, width: int) -> Parts:
        """A head, or `✗ c12  I lost my phone`."""
        line = self._lines[index]
        if isinstance(line, str):
            return [(fit(line, width), "bold")]
        good, case = line
        name = min(len(case.case), width // 4)
        return [
            ("✓ ", "$success") if good else ("✗ ", "$error"),
            (fit(case.case, name) + "  ", "$quiet"),
            (fit(case.input, max(0, width - name - 4)), ""),
        ]


class VersusPane(Vertical):
    """Shows what it is given."""

    def __init__(self) -> None:
        super().__init__(id="versus")
        self._wanted: tuple[str, str] = ("", "")

    def compose(self) -> ComposeResult:
        """Verdict and figures, the cases that changed, both answers to the one under the cursor."""
        yield Static(id="versus-head")
        yield ChangedList()
        with VerticalScroll(id="changed-about", can_focus=False):
            yield Static(id="changed-asked")
            with Horizontal(id="answers"):
                yield Static(id="answer-a")
                yield Static(id="answer-b")

    def wait(self, a: str, b: str) -> None:
        """A comparison is being made; without two different variants there is none."""
        self._wanted = (a, b)
        told = ALONE if a == b else Content.styled(f"Comparing {b} with {a} …", "$quiet")
        self._show_head(told)
        self.query_one(ChangedList).show([], [])

    def show(self, found: Comparison) -> None:
        """A comparison is there; one that is no longer wanted is passed over."""
        if self._wanted == (found.side_a.variant, found.side_b.variant):
            self._show_head(head(found))
            self.query_one(ChangedList).show(found.broken, found.fixed)

    def _show_head(self, told: Content) -> None:
        self.query_one("#versus-head", Static).update(told)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Both answers to the case under the cursor."""
        event.stop()
        case = self.query_one(ChangedList).chosen
        asked, a, b = (
            self.query_one(f"#{name}", Static) for name in ("changed-asked", "answer-a", "answer-b")
        )
        if case is None:
            for place in (asked, a, b):
                place.update("")
            return
        lines = [field("asked", case.input)]
        if case.expected is not None:
            lines.append(field("expected", case.expected))
        asked.update(Content("\n").join(lines))
        a.update(answer("A", self._wanted[0], case.a_output))
        b.update(answer("B", self._wanted[1], case.b_output))
        self.query_one("#changed-about", VerticalScroll).scroll_home(animate=False)


def answer(letter: str, variant: str, text: str) -> Content:
    """One side's answer below its name."""
    lines = "\n".join(visible(line) for line in text.splitlines()) or "(nothing)"
    return Content.assemble((f"{letter} ", "bold $accent"), (f"{visible(variant)}\n", "$quiet"), lines)


def head(found: Comparison) -> Content:
    """The verdict; how large and how sure; slices that moved; what must be read with it."""
    one = found.overall
    words, shade = VERDICTS[one.verdict]
    gate, gate_shade = GATES[found.gate.verdict]
    lines = [
        Content.assemble((words, f"bold {shade}"), (f"   {gate}", gate_shade)),
        Content.assemble(
            ("A ", "bold $accent"),
            f"{visible(found.side_a.variant)} {one.a:.1%}   ",
            ("B ", "bold $accent"),
            f"{visible(found.side_b.variant)} {one.b:.1%}",
            (f"   {one.n} common cases", "$quiet"),
        ),
        Content.styled(interval(one), "$quiet"),
    ]
    moved = sorted(found.slices.items(), key=lambda item: -abs(item[1].diff))
    lines += [slice_line(name, part) for name, part in moved[:SLICES]]
    lines += [Content.assemble(("▲ ", "$warning"), visible(notice)) for notice in found.notices]
    lines += [Content.assemble(("✗ ", "$error"), visible(reason)) for reason in found.gate.reasons]
    return Content("\n").join(lines)


def slice_line(name: str, part: Difference) -> Content:
    """`critical   +9.8 [+3.1, +16.5]   B is better`."""
    words, shade = VERDICTS[part.verdict]
    low, high = part.ci95
    figures = f" {100 * part.diff:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]   "
    return Content.assemble(fit(name, 20), (figures, "$quiet"), (words, shade))


def interval(one: Difference) -> str:
    """`+9.8 points, 95% between +3.1 and +16.5, p .004`."""
    p = one.p if one.holm is None else one.holm
    low, high = one.ci95
    return f"{100 * one.diff:+.1f} points, 95% between {100 * low:+.1f} and {100 * high:+.1f}, p {p:.3f}"
