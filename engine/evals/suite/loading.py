"""A suite that was read and found right, and its checks ready to use."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec

from engine.evals.checks import Bench, CompiledCheck, compile_checks
from engine.evals.identity import slices_of
from engine.evals.suite.problems import convert, problems_in
from engine.evals.suite.reading import Raw, read_raw
from store.errors import UsageError
from store.paths import SETTINGS
from store.records.evals import Case, JudgeSettings, Suite
from store.records.workspace import WorkspaceConfig
from store.workspace import load_config

MOST_SHOWN, ALIKE = 50, 3
"""Problems that are listed at once, and of those alike: a key that was misspelt is so in every case."""
_CASE = re.compile(r"^cases\[\d+\](?: \(.*?\)(?=[.:]))?")


class LoadedSuite(msgspec.Struct):
    """A suite that was found right. `bench` has the folders of its files; a job adds what loads models."""

    suite: Suite
    path: Path
    bench: Bench = msgspec.field(default_factory=Bench)

    def compiled(self) -> list[CompiledCheck]:
        """The suite's own checks, for all cases that bring none."""
        return compile_checks(self.suite.checks, self.bench)

    def checks_of(self, case: Case, shared: list[CompiledCheck] | None = None) -> list[CompiledCheck]:
        """What an answer to `case` must pass: the suite's checks, then its own, those that apply to it.

        `shared` are the suite's own, where they have been compiled.
        """
        if case.checks or shared is None:
            shared = compile_checks([*self.suite.checks, *case.checks], self.bench)
        slices = slices_of(case)
        return [check for check in shared if check.applies_to(slices)]


def listed(problems: list[tuple[str, str]]) -> str:
    """Problems, each a line of the file and what is wrong, a line each; of many alike the first ones."""
    kinds = [_CASE.sub("", problem) for _, problem in problems]
    alike, seen = Counter(kinds), Counter[str]()
    lines = []
    for kind, (line, problem) in zip(kinds, problems, strict=True):
        seen[kind] += 1
        more = f" ({alike[kind] - ALIKE} more like this)" if seen[kind] == ALIKE < alike[kind] else ""
        lines += [f"{line}: {problem}{more}"] if seen[kind] <= ALIKE else []
    others = len(lines) - MOST_SHOWN
    return "\n".join([*lines[:MOST_SHOWN], *([f"and {others} more"] if others > 0 else [])])


def _by_line(read: Raw, problems: list[str]) -> list[tuple[int, str]]:
    """Problems with their lines, from the first line on; those of one line stay as they are."""
    return sorted(((read.line_of(one), one) for one in problems), key=lambda found: found[0])


def load_suite(path: Path, root: Path) -> LoadedSuite:
    """The suite in `path`. Files that it names are looked for beside it, then from the workspace `root`.

    Raises UsageError that lists every problem, MissingError without the file.
    """
    read = read_raw(path)
    raw = read.value
    config = load_config(root / SETTINGS) if (root / SETTINGS).is_file() else WorkspaceConfig()
    bench = Bench([path.parent, root], python_checks=config.workspace.python_checks)
    problems = problems_in(raw, bench, default_judge=bool(config.defaults.judge))
    if problems:
        raise UsageError(
            f"{path.name} has {len(problems)} problem{'s' if len(problems) > 1 else ''}",
            listed([(f"{path.name}:{line}", problem) for line, problem in _by_line(read, problems)]),
            "Mend the keys named above.",
        )
    bench.close()
    suite = convert(raw)
    if suite.judge is None and config.defaults.judge:
        suite.judge = JudgeSettings(config.defaults.judge)
    return LoadedSuite(suite, path, bench)
