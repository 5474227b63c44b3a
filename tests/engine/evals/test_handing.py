"""Results for other tools and people: JUnit, CSV, Parquet, and a page that loads nothing."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

from engine.evals.handing.junit import junit_text
from engine.evals.handing.page import html_page
from engine.evals.handing.tables import csv_text, parquet_bytes
from store.records.evals import CaseResult, CheckResult


def result(case: str, output: str, score: float, error: str = "") -> CaseResult:
    check = CheckResult("exact", score == 1, score, "expected 'a'", error)
    return CaseResult("s", "v", case, "<b>?</b>", output, score == 1, score, [check], "a", tags=["critical"])


RESULTS = [result("c1", "a", 1), result("c2", "=1+1\x00", 0), result("c3", "b", 0, error="no verdict")]


def test_junit_tells_failures_from_errors() -> None:
    root = ElementTree.fromstring(junit_text(RESULTS))

    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [[inner.tag for inner in case] for case in suite] == [[], ["failure"], ["error"]]
    assert suite[2][0].get("message") == "exact: no verdict"


def test_a_table_has_a_row_per_result_and_a_column_per_check() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(RESULTS))))

    assert [row["check:exact"] for row in rows] == ["1", "0", ""]
    assert rows[1]["output"].startswith("'=1+1")
    assert rows[0]["slices"] == "critical"


def test_parquet_keeps_types() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(parquet_bytes(RESULTS)))

    assert table.column("passed").to_pylist() == [True, False, False]
    assert table.column("check:exact").to_pylist() == [1, 0, None]
    assert table.column("slices").to_pylist()[0] == ["critical"]


def test_the_page_shows_failures_first_escapes_all_and_loads_nothing() -> None:
    page = html_page("Mine & yours", RESULTS)

    assert "<h1>Mine &amp; yours</h1>" in page
    assert "<b>?</b>" not in page
    assert page.index("c2") < page.index("c1 ·")
    assert page.count("<svg") == 3  # the score, the check, the slice
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", page)
