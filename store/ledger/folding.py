"""Takes what is new in the sources into the ledger: each line once, whatever happens in between.

One transaction per source holds its rows and the offset behind them, so a kill leaves either both or
neither, and folding twice adds nothing. The ledger always is what its files say: rows of a source that
shrank are dropped and it is folded anew, rows of one that vanished go with it. Kept, they would be
numbers that nothing on the disk accounts for, and that deleting the ledger would lose.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from store.errors import UsageError
from store.ledger import connection, eval_rows, rows
from store.ledger.migrations import migrate
from store.ledger.sources import Known, Lines, Source, SourceKind, find, new_lines
from store.locks import is_locked
from store.paths import WorkspacePaths
from store.records.evals import CaseResult
from store.records.events import AnyEvent, Resumed
from store.records.ledger import Folded
from store.records.runs import ENDED, State
from store.records.traces import Trace
from store.runs import RunFolder, RunTracker

if TYPE_CHECKING:
    import duckdb

# Which tables hold a source's rows, and the column that says whose they are.
TABLES: dict[SourceKind, tuple[str, tuple[str, ...]]] = {
    "events": ("run_id", ("runs", "steps", "artifacts", "eval_scores", "eval_slices", "exports")),
    "results": ("run_id", ("eval_results", "eval_checks", "eval_retrieval")),
    "traces": ("source", ("traces", "retrieval")),
}

SAID_ANEW = ("runs", "eval_scores", "eval_slices", "exports")  # as a whole, not added to

T = TypeVar("T")

_events = msgspec.json.Decoder(AnyEvent)
_results = msgspec.json.Decoder(CaseResult)
_traces = msgspec.json.Decoder(Trace)


def fold(paths: WorkspacePaths) -> Folded:
    """Take in what is new. Raises BusyError while another process keeps it, TemperError if it is damaged."""
    with connection.turn(paths), connection.writing(paths) as ledger:
        return fold_into(ledger, paths)


def fold_into(ledger: duckdb.DuckDBPyConnection, paths: WorkspacePaths) -> Folded:
    """`fold`, into a ledger that is open for writing."""
    migrate(ledger)
    known = known_sources(ledger)
    states: dict[str, State] = dict(ledger.execute("SELECT run_id, state FROM runs").fetchall())
    folded = Folded()
    for source in find(paths):
        before = known.pop(source.name, None)
        if is_due(source, before, states.get(source.owner)):
            folded.rows += take_in(ledger, source, before)
            folded.sources += 1
    for name, gone in known.items():
        with connection.transaction(ledger):
            forget(ledger, name, gone.kind, gone.owner)
        folded.sources += 1
    return folded


def known_sources(ledger: duckdb.DuckDBPyConnection) -> dict[str, Known]:
    """How far each source was folded, by its name."""
    columns = "path, kind, owner, byte_offset, byte_size, unreadable"
    rows = ledger.execute(f"SELECT {columns} FROM sources").fetchall()
    return {name: Known(*rest) for name, *rest in rows}


def is_due(source: Source, before: Known | None, state: State | None) -> bool:
    """Whether a source has to be looked into: it has other bytes than were folded, or its run is not over.

    A run that died comes back to life when it is resumed; one that ended otherwise grows then.
    """
    if before is None or before.size != source.size:
        return True
    if source.kind != "events":
        return False
    return state not in ENDED or (state == "died" and is_locked(RunFolder(source.path.parent).lock))


def take_in(ledger: duckdb.DuckDBPyConnection, source: Source, before: Known | None) -> int:
    """Fold one source from where it was left, or from its start where it is new or shrank; rows added."""
    anew = before is None or source.size < before.offset
    start = Known(source.kind, source.owner) if before is None or anew else before
    if anew and before is not None:
        with connection.transaction(ledger):
            forget(ledger, source.name, source.kind, source.owner)
    if source.kind == "events":
        return take_in_run(ledger, source, start)
    if source.kind == "results":
        return take_in_lines(ledger, source, start, _results, partial(eval_rows.of_results, source.owner))
    return take_in_lines(ledger, source, start, _traces, partial(rows.of_traces, source.owner))


def take_in_lines(
    ledger: duckdb.DuckDBPyConnection,
    source: Source,
    known: Known,
    decoder: msgspec.json.Decoder[T],
    rows_of: Callable[[list[T]], eval_rows.Rows],
) -> int:
    """Fold the lines of a source, a transaction for each chunk; rows added."""
    added = 0
    for lines in new_lines(source.path, known.offset, decoder):
        known = behind(known, lines)
        with connection.transaction(ledger):
            added += append(ledger, rows_of(lines.records))
            remember(ledger, source, known)
    if not added:  # a torn line, or none that can be read: not to be looked at again before it grows
        with connection.transaction(ledger):
            remember(ledger, source, known)
    return added


def take_in_run(ledger: duckdb.DuckDBPyConnection, source: Source, known: Known) -> int:
    """Fold a run's new events and say anew how the run stands, in one transaction; rows added."""
    folder = RunFolder(source.path.parent)
    chunks = list(new_lines(source.path, known.offset, _events))
    events = [event for lines in chunks for event in lines.records]
    try:
        spec = folder.spec()
        # A run's view needs all of its events; on the first fold these are at hand.
        at_hand = (events, chunks[-1].offset) if chunks and not known.offset else ()
        tracker = RunTracker(folder, *at_hand)
    except (OSError, msgspec.MsgspecError, UsageError):
        return 0  # no readable spec, so no run
    for lines in chunks:
        known = behind(known, lines)
    new = rows.of_events(source.owner, spec.job, events)
    new["runs"] = [rows.of_run(spec, tracker.refresh())]
    stored = ledger.execute("SELECT * FROM runs WHERE run_id = ?", [source.owner]).fetchall()
    if stored == new["runs"] and known.size == source.size:
        return 0  # still as it was
    with connection.transaction(ledger):
        for table in SAID_ANEW:
            if new.get(table):
                ledger.execute(f"DELETE FROM {table} WHERE run_id = ?", [source.owner])
        for event in events:
            if isinstance(event, Resumed):  # steps behind it are done again
                behind_it = "DELETE FROM steps WHERE run_id = ? AND step > ?"
                ledger.execute(behind_it, [source.owner, event.step])
        added = append(ledger, new)
        remember(ledger, source, known)
    return added


def behind(known: Known, lines: Lines[Any]) -> Known:
    """How far a source is folded once `lines` are."""
    return Known(known.kind, known.owner, lines.offset, known.size, known.unreadable + lines.unreadable)


def append(ledger: duckdb.DuckDBPyConnection, new: eval_rows.Rows) -> int:
    """Add rows to their tables; how many."""
    for table, values in new.items():
        if values:
            # A block, not a bare call: an appender that is dropped loses what it buffered in silence.
            with ledger.appender(table) as appender:
                appender.append_rows(values)
    return sum(len(values) for values in new.values())


def remember(ledger: duckdb.DuckDBPyConnection, source: Source, known: Known) -> None:
    """Store how far a source is folded. Inside the transaction that holds its rows."""
    ledger.execute("DELETE FROM sources WHERE path = ?", [source.name])
    values = [source.name, known.kind, known.owner, known.offset, source.size, known.unreadable]
    ledger.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?)", values)


def forget(ledger: duckdb.DuckDBPyConnection, name: str, kind: SourceKind, owner: str) -> None:
    """Drop all rows of a source and its offset. Inside a transaction."""
    column, tables = TABLES[kind]
    for table in tables:
        ledger.execute(f"DELETE FROM {table} WHERE {column} = ?", [owner])
    ledger.execute("DELETE FROM sources WHERE path = ?", [name])
