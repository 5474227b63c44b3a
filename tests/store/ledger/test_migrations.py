"""The ledger from blank and from each older version, and one that a newer Temper wrote."""

from __future__ import annotations

import pytest

from store import ledger
from store.errors import TemperError
from store.ledger import connection, migrations
from store.paths import WorkspacePaths
from tests.store.ledger.stage import TABLES, content, delete

OLDER = range(1, len(migrations.MIGRATIONS))


def make_version(paths: WorkspacePaths, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger as the Temper of that version left it."""
    paths.derived.mkdir(exist_ok=True)
    with monkeypatch.context() as older, connection.turn(paths), connection.writing(paths) as opened:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:version])
        migrations.migrate(opened)
        source = "runs/train-1/events.jsonl"
        size = (paths.derived / source).stat().st_size
        opened.execute("INSERT INTO sources VALUES (?, 'events', 'train-1', ?, ?, 0)", [source, size, size])
        opened.execute("INSERT INTO runs (run_id, state) VALUES ('train-1', 'finished')")


def test_a_blank_ledger_gets_every_table(paths: WorkspacePaths) -> None:
    assert ledger.fold(paths) == ledger.Folded()
    with connection.turn(paths), connection.reading(paths) as opened:
        assert tuple(migrations.tables(opened)) == TABLES
        assert migrations.version_of(opened) == len(migrations.MIGRATIONS)


@pytest.mark.parametrize("version", OLDER)
def test_an_older_ledger_ends_with_the_rows_of_a_new_one(
    full: WorkspacePaths, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    make_version(full, version, monkeypatch)
    migrated = content(full)
    delete(full)
    assert content(full) == migrated


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(
    full: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version(full, 1, monkeypatch)

    def broken(opened: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
    with pytest.raises(RuntimeError):
        ledger.fold(full)
    with connection.turn(full), connection.reading(full) as opened:
        assert migrations.version_of(opened) == 1
        assert opened.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]


def test_a_ledger_of_a_newer_temper_is_refused(full: WorkspacePaths) -> None:
    ledger.fold(full)
    with connection.turn(full), connection.writing(full) as opened:
        opened.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(TemperError, match="newer Temper") as refused:
        ledger.query(full, "SELECT 1")
    assert "delete" in refused.value.remedy


@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000])
def test_a_file_that_is_no_ledger_is_named_with_the_way_out(full: WorkspacePaths, damage: bytes) -> None:
    full.ledger.write_bytes(damage)
    with pytest.raises(TemperError, match="cannot be read") as refused:
        ledger.fold(full)
    assert str(full.ledger) in refused.value.happened
    assert "Delete" in refused.value.remedy


def test_a_ledger_with_a_damaged_block_is_named_with_the_way_out(full: WorkspacePaths) -> None:
    ledger.fold(full)
    data = bytearray(full.ledger.read_bytes())
    data[3 * 4096 :] = bytes(len(data) - 3 * 4096)
    full.ledger.write_bytes(data)
    with pytest.raises(TemperError, match="cannot be read"):
        ledger.fold(full)
