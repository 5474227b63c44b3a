"""Results for other tools and people: JUnit, CSV, Parquet, and a page that loads nothing."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest

from engine.evals.handing.junit import junit_text
from engine.evals.handing.page import html_page
from engine.evals.handing.tables import csv_text, parquet_bytes
from engine.evals.scores import score_of
from engine.evals.stats import exact_interval
from store.records.evals import CaseResult, CheckResult


def result(case: str, output: str, score: float, error: str = "") -> CaseResult:
    check = CheckResult("exact", score == 1, score, "expected 'a'", error)
    return CaseResult(
        "s", "v", case, "</script><b>?</b>", output, score == 1, score, [check], "a", tags=["critical"]
    )


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
    assert "</script>" not in page
    assert page.index("<b>c2") < page.index("<b>c3") < page.index("<b>c1")
    assert page.count("<svg") == 2  # the check, the slice; of one variant the card says the score
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", page)


def test_the_page_counts_cases_that_could_not_be_judged_and_holds_no_control_characters() -> None:
    page = html_page("Mine", RESULTS)

    assert "3 cases." in page
    assert "=1+1\ufffd" in page
    assert not re.search("[\x00-\x08\x0b-\x1f]", page)


def test_junit_holds_what_xml_cannot_write_and_cuts_what_readers_refuse() -> None:
    long = result("c4", "x" * 11_000_000, 0)
    text = junit_text([*RESULTS, long])

    root = ElementTree.fromstring(text)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "2", "1")
    assert "10,980,000 more characters" in (root[0][3][0].text or "")
    assert len(text) < 100_000
    from lxml import etree

    assert (
        etree.fromstring(text.encode()).tag == "testsuites"
    )  # the parser of most CI systems, within its limits


@pytest.mark.parametrize("output", ["=1+1", "+1;a", "-x", "@sum(a)", "\t=1", "\r=1"])
def test_a_spreadsheet_finds_no_formula(output: str) -> None:
    [row] = csv.DictReader(io.StringIO(csv_text([result("=c", output, 0)]), newline=""))

    assert row["output"] == f"'{output}"
    assert row["case"] == "'=c"


@pytest.mark.parametrize("output", ["-5", "+1.5", "a\nb", "a\r\nb", "a,b", 'say "x"', "\u2028"])
def test_a_table_keeps_numbers_and_lines_as_they_are(output: str) -> None:
    [row] = csv.DictReader(io.StringIO(csv_text([result("c", output, 0)]), newline=""))

    assert row["output"] == output


def test_a_column_in_which_nothing_is_known_has_its_type_all_the_same() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    bare = CaseResult("s", "v", "c", "?", "", False, 0.0, [CheckResult("exact", False, 0.0, "", "broke")])
    schema = pq.read_table(pa.BufferReader(parquet_bytes([bare]))).schema

    assert schema.field("expected").type == pa.string()
    assert schema.field("check:exact").type == pa.float64()
    assert schema.field("tool_calls").type == pa.list_(pa.string())
    assert schema.field("epoch").type == pa.int64()


def test_the_page_shows_variants_side_by_side_and_those_that_differ() -> None:
    other = CaseResult("s", "w", "c2", "?", "a", True, 1.0, [CheckResult("exact", True, 1.0)], latency_ms=5.0)

    page = html_page("Two", [*RESULTS, other])

    assert page.count("<svg") == 4  # passed, check, slice, times
    assert page.index("<b>c2") < page.index("<b>c3")
    assert '<details class="fail differ">' in page
    assert "v answered" in page
    assert "Differ 1" in page


def test_a_page_of_thousands_of_cases_is_small_and_cuts_long_texts() -> None:
    many = [result(f"c{n}", "x" * (1_000_000 if n == 0 else 10), 0) for n in range(5_000)]

    page = html_page("Many", many)

    assert len(page) < 5_000_000
    assert "980,000 more characters" in page


def test_the_page_has_the_intervals_of_the_scores_of_checks_and_slices_too() -> None:
    results = [result(f"c{n}", "a", 1) for n in range(10)]
    score = score_of("v", results)
    low, high = exact_interval(10, 10)

    assert score.ci95 == score.checks_ci95["exact"] == score.slices["critical"].ci95 == (low, high)
    page = html_page("Ten", results)
    assert f"{low:.1%} to {high:.1%}" in page
    assert page.count(f"100.0% ({low:.1%} to {high:.1%})") == 2
