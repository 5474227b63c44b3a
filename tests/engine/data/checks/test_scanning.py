"""Row scans over a version: the same in one process and in several, stopped with no process left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from engine.data.checks.contract import Kind
from engine.data.checks.registry import Entry
from engine.data.checks.scanning import READ_AT_ONCE, Scanning, read_table, scan_batch, wanted
from store import datasets, example_table
from store.errors import TemperError
from store.paths import WorkspacePaths
from store.records.data import Example
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import chat, lay, numbered

ENTRIES = (Entry(("empty",), "engine.data.checks.empty:scans"),)
SETTINGS = CheckSettings()


def ignored(done: int, total: int) -> None:
    """Progress of those who do not ask."""


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    """A file of three row groups, with an empty answer in the first and in the last."""
    path = tmp_path / "rows.parquet"
    rows = numbered(chat(f"q{n}", "" if n in (2, 2 * example_table.BATCH + 1) else "a") for n in range(9000))
    with example_table.Writer(path) as writer:
        for row in rows:
            writer.add(row)
    assert len(example_table.group_sizes(path)) == 3
    return path


def test_few_rows_are_scanned_here_and_many_in_as_many_processes_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2})
    assert (wanted(10), wanted(100_000)) == (1, 3)


def test_what_is_found_does_not_depend_on_the_number_of_processes(groups: Path) -> None:
    found = []
    for processes in (1, 2):
        with Scanning(groups, ENTRIES, SETTINGS, processes) as scanning:
            found.append(scanning.finish(ignored))
    assert found[0] == found[1]
    assert [hit.at for hit in found[0].hits] == [2, 2 * example_table.BATCH + 1]


def test_progress_ends_at_the_total(groups: Path) -> None:
    told: list[tuple[int, int]] = []
    with Scanning(groups, ENTRIES, SETTINGS, 1) as scanning:
        scanning.finish(lambda done, total: told.append((done, total)))
    assert told[0] == (READ_AT_ONCE, 9000)
    assert told[-1] == (9000, 9000)


def test_whoever_stops_leaves_no_process_behind(groups: Path) -> None:
    class Stop(Exception):
        """The user has seen enough."""

    def stop(done: int, total: int) -> None:
        raise Stop

    before = children()
    with Scanning(groups, ENTRIES, SETTINGS, 2) as scanning:
        assert children() - before
        with pytest.raises(Stop):
            scanning.finish(stop)
    assert not children() - before


def children() -> set[psutil.Process]:
    """The processes that this one has started; multiprocessing's own helper, which stays, is none."""
    return {
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline())
    }


def test_a_scan_that_fails_on_one_row_finds_what_is_in_the_others(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan(self: object, example: Example) -> Iterator[tuple[str, str]]:
        if example.line == 5:
            raise ValueError("odd")
        if example.line == 6:
            yield "empty", "seen"

    monkeypatch.setattr("engine.data.checks.empty.Empty.scan", scan)
    with Scanning(groups, ENTRIES, SETTINGS, 1) as scanning:
        found = scanning.finish(ignored)
    assert [(trouble.line, trouble.error) for trouble in found.troubles] == [(5, "ValueError: odd")]
    assert [hit.at for hit in found.hits] == [5]


def test_a_damaged_file_is_told_as_such(paths: WorkspacePaths) -> None:
    info = lay(paths, [chat("q", "a")])
    path = datasets.version_folder(paths, info.name, 1) / datasets.ROWS
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(TemperError, match="damaged"):
        Scanning(path, ENTRIES, SETTINGS)


def test_the_table_holds_what_set_checks_look_at(paths: WorkspacePaths) -> None:
    rows = [chat("q", "a", metadata={"annotator": "x"}, split="heldout"), Example("", 0, [], text="prose")]
    lay(paths, rows)
    table = read_table(datasets.version_folder(paths, "d", 1) / datasets.ROWS, ignored)
    assert (table.asked, table.answers) == (["q", "prose"], ["a", ""])
    assert (table.splits, table.metadata[0]) == (["heldout", "train"], {"annotator": "x"})


class Unprepared:
    """A scan that cannot get ready for several rows at once."""

    kinds: tuple[Kind, ...] = ()

    def prepare(self, examples: Sequence[Example]) -> None:
        """Fail as a scan does that meets an odd row."""
        raise ValueError("odd row")

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """Note every row."""
        yield "met", ""


def test_a_failed_preparation_costs_no_finding() -> None:
    found = scan_batch(numbered([chat("q", "a")] * 3), [("unprepared", Unprepared())])
    assert ([hit.at for hit in found.hits], found.troubles) == ([0, 1, 2], [])
