"""Baseline arm of G11: DuckDB as documented. An insert per row, and a reader on a cursor beside it.

    python g11_autocommit.py DATABASE ROWS     prints {seconds, count, checksum, reads}

The reader is a thread, since DuckDB lets no second process read while this one may write.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime

import duckdb

TABLE = """CREATE TABLE IF NOT EXISTS steps (
    run_id VARCHAR, seq BIGINT, time TIMESTAMP, step BIGINT, total BIGINT, loss DOUBLE,
    learning_rate DOUBLE, grad_norm DOUBLE, tokens_per_second DOUBLE, memory_bytes BIGINT)"""
READ_EVERY = 0.25  # seconds, as often as a screen looks
INSERT = "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHECKSUM = """SELECT count(*), CAST(bit_xor(hash(
    seq, step, total, loss, learning_rate, grad_norm, tokens_per_second, memory_bytes)) AS VARCHAR)
    FROM steps"""


def main(path: str, rows: int) -> None:
    """Insert, read, and say how it went."""
    connection = duckdb.connect(path)
    connection.execute(TABLE)
    done, reads = threading.Event(), 0

    def read() -> None:
        nonlocal reads
        with connection.cursor() as cursor:
            while not done.wait(READ_EVERY):
                cursor.execute("SELECT count(*), avg(loss) FROM steps").fetchall()
                reads += 1

    reader = threading.Thread(target=read)
    reader.start()
    begin = time.perf_counter()
    for i in range(1, rows + 1):
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(INSERT, ["log", i, now, i, 100_000, 1 / i, 1e-4, 0.5, 900.0 + i % 100, i * 1024])
    seconds = time.perf_counter() - begin
    done.set()
    reader.join()
    count, checksum = connection.execute(CHECKSUM).fetchall()[0]
    connection.close()
    print(json.dumps({"seconds": seconds, "count": count, "checksum": checksum, "reads": reads}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
