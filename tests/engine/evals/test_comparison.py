"""Comparisons of two variants: which cases are paired, what changed sides, what the figures amount to."""

from __future__ import annotations

from typing import Any

import pytest

from engine.evals.comparison import gates
from engine.evals.comparison.pairing import pair
from engine.evals.comparison.summary import markdown, power_words
from engine.evals.comparison.verdicts import compare, verdict_of
from engine.evals.stats import mcnemar_exact, score_interval
from engine.evals.stats.power import detectable
from store.errors import UsageError
from store.records.comparing import Comparison, Side
from store.records.evals import CaseResult, CheckResult
from store.records.workspace import Gate


def result(case: str, passed: bool, score: float | None = None, **more: Any) -> CaseResult:
    checks = [CheckResult("exact", passed, float(passed), "" if passed else "expected 'x'")]
    return CaseResult(
        "support",
        "v",
        case,
        f"ask {case}",
        "x",
        passed,
        float(passed) if score is None else score,
        checks,
        **more,
    )


def results(passes: str, **more: Any) -> list[CaseResult]:
    """A case per letter: `+` passes, `-` fails."""
    return [result(f"c{n:03}", letter == "+", **more) for n, letter in enumerate(passes)]


def compared(a: list[CaseResult], b: list[CaseResult], margin: float = 0.05) -> Comparison:
    return compare("support", Side("base"), Side("tuned"), a, b, margin)


def test_fixed_and_broken_cases_are_named() -> None:
    found = compared(results("--++"), results("+-+-"))

    assert [one.case for one in found.fixed] == ["c000"]
    assert [one.case for one in found.broken] == ["c003"]
    assert found.broken[0].checks[0].detail == "expected 'x'"
    assert (found.overall.n, found.overall.fixed, found.overall.broken) == (4, 1, 1)


def test_a_clear_gain_is_better_with_its_interval_and_exact_test() -> None:
    a, b = "-" * 60 + "+" * 40, "+" * 30 + "-" * 30 + "+" * 37 + "-" * 3
    one = compared(results(a), results(b)).overall

    assert one.verdict == "better"
    assert one.diff == pytest.approx(0.27)
    assert one.ci95 == score_interval(30, 3, 100)
    assert one.p == mcnemar_exact(30, 3)


def test_a_clear_loss_is_worse() -> None:
    assert compared(results("+" * 30), results("-" * 20 + "+" * 10)).overall.verdict == "worse"


def test_five_fixed_of_twenty_are_too_few_to_tell() -> None:
    one = compared(results("-" * 5 + "+" * 15), results("+" * 20)).overall

    assert one.ci95[0] > 0  # the interval alone would say better; the exact test does not
    assert one.p == 0.0625
    assert one.verdict == "too_small"


def test_twenty_equal_answers_are_too_few_and_a_thousand_are_the_same() -> None:
    assert compared(results("+" * 20), results("+" * 20)).overall.verdict == "too_small"
    assert compared(results("+" * 1000), results("+" * 1000)).overall.verdict == "same"


def test_the_margin_says_what_counts_as_the_same() -> None:
    assert verdict_of((-0.04, 0.03), 0.8, 0.05) == "same"
    assert verdict_of((-0.04, 0.03), 0.8, 0.02) == "too_small"


def test_only_common_cases_count_and_it_is_said_loudly() -> None:
    found = compared(results("+-+-"), results("++"))

    assert found.overall.n == 2
    assert "ONLY THE 2 COMMON CASES ARE COMPARED" in found.notices[0]
    assert "c002" in found.notices[0]


def test_a_case_that_was_changed_is_not_common() -> None:
    a, b = results("++", case_hash="1"), results("++", case_hash="1")
    b[1].case_hash = "2"

    assert compared(a, b).overall.n == 1
    assert "changed between the runs" in compared(a, b).notices[0]


def test_a_case_that_other_checks_judged_is_not_common() -> None:
    a, b = results("++", checks_hash="1"), results("++", checks_hash="1")
    b[1].checks_hash = "2"

    assert compared(a, b).overall.n == 1


def test_runs_without_a_common_case_are_refused() -> None:
    with pytest.raises(UsageError, match="no case in common"):
        pair([result("x", True)], [result("y", True)])
    with pytest.raises(UsageError, match="no case in common"):
        pair([], [])


def test_a_result_that_could_not_be_judged_counts_nowhere() -> None:
    a, b = results("++"), results("++")
    b[0].checks[0].error = "the judge gave no verdict"

    found = compared(a, b)

    assert found.overall.n == 1
    assert "could not judge" in found.notices[-1]
    assert len(found.notices) == 1  # both sides have the case: none is said to lack it


def test_answers_that_one_side_could_not_give_are_said() -> None:
    a, b = results("++"), results("+-")
    b[1].error = "out of memory"

    notice = compared(a, b).notices[0]

    assert "B GAVE NO ANSWER TO 1 OF THE CASES (c001; the first: out of memory)" in notice


def test_other_epochs_and_other_seeds_are_said() -> None:
    thrice = [result("c", True, epoch=epoch) for epoch in range(3)]

    assert "A 3 times and B 1 times" in compared(thrice, [result("c", True)]).notices[0]
    assert "other seeds" in compared([result("c", True, seed=1)], [result("c", True, seed=2)]).notices[0]
    assert compared(thrice, thrice).notices == []


def test_epochs_of_a_case_are_one_case() -> None:
    a = [result("c", False, epoch=epoch) for epoch in range(3)] + [result("d", True, epoch=0)]
    b = [result("c", epoch < 2, epoch=epoch) for epoch in range(3)] + [result("d", True, epoch=0)]

    found = compared(a, b)

    assert found.overall.n == 2
    assert found.overall.diff == pytest.approx(1 / 3)
    assert [one.case for one in found.fixed] == ["c"]


def test_paraphrases_of_one_question_make_nothing_surer() -> None:
    a = [result(f"c{n}", False, group=f"g{n // 5}") for n in range(20)]
    b = [result(f"c{n}", True, group=f"g{n // 5}") for n in range(20)]
    alone = compared(results("-" * 20), results("+" * 20))

    assert alone.overall.ci95[0] > 0.5
    assert compared(a, b).overall.ci95[0] < alone.overall.ci95[0]


def test_graded_scores_are_compared_beside_passes() -> None:
    a = [result(f"c{n}", False, 0.2) for n in range(40)]
    b = [result(f"c{n}", False, 0.3 + n % 2 / 10) for n in range(40)]

    found = compared(a, b)

    assert found.overall.verdict == "too_small"
    assert found.scores is not None
    assert found.scores.verdict == "better"
    assert found.scores.diff == pytest.approx(0.15)
    assert compared(results("+-"), results("++")).scores is None


def test_slices_are_corrected_for_their_number() -> None:
    a, b = [], []
    for name in range(6):
        for n in range(12):
            moved = name == 0 and n < 7
            a.append(result(f"{name}-{n}", not moved, tags=[f"s{name}"]))
            b.append(result(f"{name}-{n}", True, tags=[f"s{name}"]))

    one = compared(a, b).slices["s0"]

    assert one.p == mcnemar_exact(7, 0) < 0.05
    assert one.holm == pytest.approx(6 * one.p)
    assert one.verdict == "too_small"


def test_a_gate_names_every_rule_that_is_broken() -> None:
    a = [result("c1", True, tags=["critical"]), *results("++++")]
    b = [result("c1", False, tags=["critical"]), *results("++++")]

    outcome = gates.judge(compared(a, b), Gate(min_diff=0.0, slices={"german": 0.0}))

    assert outcome.verdict == "failed"
    assert [reason.partition(":")[0] for reason in outcome.reasons] == [
        "overall",
        "slice german",
        "slice critical",
    ]


def test_a_case_that_passes_every_other_time_is_fixed_when_it_passes_always() -> None:
    half = [result("c", epoch == 0, epoch=epoch) for epoch in range(2)]
    always = [result("c", True, epoch=epoch) for epoch in range(2)]

    assert [one.case for one in compared(half, always).fixed] == ["c"]
    assert [one.case for one in compared(always, half).broken] == ["c"]
    assert compared(half, half).fixed == []


def test_a_protected_case_that_no_check_could_judge_is_not_let_through() -> None:
    a, b = results("++", tags=["critical"]), results("++", tags=["critical"])
    b[0].checks[0].error = "the judge gave no verdict"

    outcome = gates.judge(compared(a, b), Gate())

    assert outcome.reasons == ["slice critical: no check could judge the candidate on c000"]
    assert gates.judge(compared(b, a), Gate()).verdict == "passed"
    assert gates.judge(compared(a, b), Gate(protected=["other"])).verdict == "passed"


def test_a_gate_passes_an_equal_candidate_unless_it_asks_for_certainty() -> None:
    found = compared(results("+-+-"), results("-++-"))

    assert gates.judge(found, Gate()).verdict == "passed"
    assert gates.judge(found, Gate(certain=True)).verdict == "failed"


def test_other_quantisations_are_said() -> None:
    found = compare("s", Side("a", quant="q8_0"), Side("b", quant="q4_k_m"), results("+"), results("+"))

    assert "Q8_0" in found.notices[-1]


def test_the_summary_begins_with_the_verdict_and_breaks_no_table() -> None:
    a, b = results("-" * 30), results("+" * 30)
    a[0].input = b[0].input = "which | of `these` <b>,\n@all in #1?"
    a[0].slices = b[0].slices = ["language=a|b"]
    found = compared(a, b)

    text = markdown(found)

    assert text.startswith("### support: B is better")
    assert ": `which | of 'these' <b>, @all in #1?` (exact: `expected 'x'`)" in text
    assert "| slice language=a\\|b | 1 |" in text
    assert "\n\n\n" not in text
    assert "energy not measured" in text
    assert "and 10 more" in text
    assert power_words(found.overall) == ""


def test_a_verdict_that_cannot_be_told_says_what_so_many_cases_would_show() -> None:
    one = compared(results("+" * 15 + "-" * 5), results("+" * 20)).overall

    assert f"a difference of {100 * detectable(20, 5):.0f} points or more" in power_words(one)
    assert "cannot tell any difference" in power_words(compared(results("+"), results("-")).overall)
