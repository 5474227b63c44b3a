"""A check as a whole: what is reported, in which order, with which verdict, and what did not run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from engine.data.checks import run, vectors
from engine.data.checks.contract import Basis, CannotRun
from engine.data.checks.registry import Entry
from store import check_reports
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.findings import CheckSettings, Finding, Severity
from tests.engine.data.checks.stage import chat, checked, lay

ROWS = [*[chat(f"question {n}", f"This is answer {n}.") for n in range(6)], chat("empty", "")]


def made(id_: str, severity: Severity) -> Finding:
    return Finding(id_, id_.partition("/")[0], severity, "t", 1, [])  # type: ignore[arg-type]  # made from its id


def test_a_report_names_the_version_its_rows_and_its_findings(paths: WorkspacePaths) -> None:
    lay(paths, ROWS)
    report = checked(paths, ["empty"])
    assert (report.dataset, report.version, report.rows, report.verdict) == ("d", 1, 7, "warn")
    assert [(one.id, one.count, one.rows[0].line) for one in report.findings] == [("empty", 1, 7)]
    assert report.findings[0].remedy.endswith("temper data fix d --drop empty")


def test_the_same_rows_under_the_same_settings_give_the_same_hash(paths: WorkspacePaths) -> None:
    lay(paths, ROWS)
    first, second = (checked(paths, ["empty", "encoding"]) for _ in range(2))
    assert first.sha256 == second.sha256
    assert check_reports.latest(paths, "d", 1) == second
    assert checked(paths, ["empty", "encoding"], seed=1).sha256 != first.sha256


def test_findings_come_worst_first_then_as_checks_are_listed() -> None:
    found = [made("pii", "warn"), made("coverage", "info"), made("leakage", "block"), made("empty", "warn")]
    assert [one.id for one in run.in_order(found)] == ["leakage", "empty", "pii", "coverage"]


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [([], "ok"), (["info"], "ok"), (["info", "warn"], "warn"), (["warn", "block", "info"], "block")],
)
def test_the_verdict_is_the_worst_severity(severities: list[Severity], verdict: str) -> None:
    assert run.verdict_of([made("empty", severity) for severity in severities]) == verdict


def test_a_check_whose_package_is_absent_is_skipped_and_the_others_run(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(paths, ROWS)
    monkeypatch.setitem(sys.modules, "ftfy", None)
    report = checked(paths, ["empty", "encoding"])
    assert [(one.check, "ftfy" in one.reason) for one in report.skipped] == [("encoding", True)]
    assert [one.check for one in report.findings] == ["empty"]


def set_check(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """A registry with one set check that raises."""

    def check(basis: Basis) -> Iterable[Finding]:
        basis.progress(0, 1)
        raise error

    monkeypatch.setattr(run, "SET_CHECKS", (Entry(("coverage",), "nowhere:check"),))
    monkeypatch.setattr(run, "load_check", lambda entry: check)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotRun("no embedder"), "no embedder"),
        (ImportError("no", name="duckdb"), "duckdb"),
        (KeyError("x"), "x"),
    ],
)
def test_a_set_check_that_cannot_run_or_fails_is_skipped_with_the_reason(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    lay(paths, ROWS)
    set_check(monkeypatch, error)
    report = checked(paths, ["empty", "coverage"])
    assert [one.check for one in report.findings] == ["empty"]
    assert said in report.skipped[0].reason


def test_what_progress_raises_ends_the_check_wherever_it_is(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Exception):
        """The user has seen enough."""

    def stop(phase: str, done: int, total: int) -> None:
        if phase == "coverage":
            raise Stop

    lay(paths, ROWS)
    set_check(monkeypatch, KeyError("never reached"))
    with pytest.raises(Stop):
        run.check(paths, "d", CheckSettings(), stop)
    assert check_reports.latest(paths, "d", 1) is None


def test_embedding_is_a_phase_of_its_own_that_can_be_stopped(paths: WorkspacePaths) -> None:
    lay(paths, [chat(f"question {n}", "This is an answer.") for n in range(vectors.AT_ONCE + 1)])
    asked: list[int] = []

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        asked.append(len(texts))
        return np.ones((len(texts), 1), dtype=np.float32)

    def stop(phase: str, done: int, total: int) -> None:
        if phase == run.EMBEDDING and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.check(paths, "d", CheckSettings(), stop, embed, processes=1)
    assert asked == [vectors.AT_ONCE]


def test_an_unknown_model_is_refused(paths: WorkspacePaths) -> None:
    lay(paths, ROWS)
    paths.settings.write_text("[models.tiny]\npath = 'builtin:tiny'\n", encoding="utf-8")
    with pytest.raises(UsageError, match="tinny"):
        checked(paths, ["truncation"], model="tinny")


def test_rows_are_counted_in_tokens_of_the_model(paths: WorkspacePaths) -> None:
    long = chat("word " * 200, "The answer.")
    half = chat("q", "word " * 100)
    lay(paths, [*ROWS, long, half])
    report = checked(paths, ["truncation", "no_trained_token"], model="builtin:tiny", max_length=64)
    found = {finding.id: finding for finding in report.findings}
    assert report.verdict == "block"
    assert [ref.line for ref in found["no_trained_token"].rows] == [8]
    assert "behind 64" in found["no_trained_token"].notes["r8"]
    assert [ref.line for ref in found["truncation"].rows] == [9]
    assert found["truncation"].figures["cut_answer_tokens"] > 0
    assert found["truncation/lengths"].figures["longest"] > 200
    assert report.settings.model == "builtin:tiny"


def test_reports_survive_being_written_and_read(paths: WorkspacePaths) -> None:
    lay(paths, ROWS)
    report = checked(paths, ["empty"])
    assert check_reports.find(paths, "d", 1, report.sha256) == report
    assert msgspec.json.decode(check_reports.path_of(paths, report).read_bytes())["verdict"] == "warn"
