"""The advisor's rules on results laid by hand: which approach it names, which ceiling binds, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import msgspec
import pytest

from engine.evals.advisor import costs
from engine.evals.advisor.deciding import advise
from engine.evals.advisor.measuring import measured
from store.records.advice import Advice, Approach, CostSheet, Signs, Taken, Training
from store.records.evals import CaseResult, CheckResult
from store.records.knowledge import Hit
from store.records.workspace import Prices

NAMED = Signs(ready=True)


def results(share: float, n: int = 60, milliseconds: float = 100.0) -> list[CaseResult]:
    """`n` cases of which the first part passes."""
    return [
        CaseResult(
            "s",
            "v",
            f"c{case:03}",
            f"ask {case}",
            "x",
            case < round(share * n),
            float(case < round(share * n)),
            [CheckResult("exact", case < round(share * n), 0.0)],
            latency_ms=milliseconds,
            prompt_tokens=30,
            completion_tokens=10,
        )
        for case in range(n)
    ]


def flipped(share: float, random: Random, n: int = 60) -> list[CaseResult]:
    """`n` cases of which each passes with that chance."""
    made = results(0.0, n)
    for one in made:
        one.passed = random.random() < share
    return made


def advised(signs: Signs = NAMED, n: int = 60, **scores: float) -> Advice:
    """The advice where each approach passes the given share."""
    given: dict[Approach, Sequence[CaseResult]] = {
        name: results(share, n)  # type: ignore[misc]  # names of approaches
        for name, share in scores.items()
    }
    return advise("s", given, dict.fromkeys(given, "run"), signs, {})


@pytest.mark.parametrize(
    ("scores", "verdict", "binding"),
    [
        ({"bare": 0.1, "few_shot": 0.9, "retrieval": 0.1, "adapter": 0.9}, "prompt", "behaviour"),
        ({"bare": 0.1, "prompt": 0.9, "adapter": 0.92}, "prompt", "behaviour"),
        (
            {"bare": 0.1, "few_shot": 0.1, "retrieval": 0.8, "gold": 0.85, "adapter": 0.2},
            "retrieval",
            "knowledge",
        ),
        (
            {"bare": 0.1, "few_shot": 0.4, "retrieval": 0.1, "adapter": 0.9, "hybrid": 0.9},
            "tune",
            "behaviour",
        ),
        ({"bare": 0.1, "retrieval": 0.4, "adapter": 0.4, "hybrid": 0.9}, "hybrid", "knowledge"),
        ({"bare": 0.1, "retrieval": 0.1, "gold": 0.9, "adapter": 0.1}, "retrieval", "retrieval"),
        ({"bare": 0.1, "retrieval": 0.1, "gold": 0.15, "adapter": 0.1}, "other_base", "base"),
        ({"bare": 0.1, "retrieval": 0.1, "gold": 0.15}, "not_yet", "base"),
        ({"bare": 0.1, "few_shot": 0.1, "adapter": 0.12, "other": 0.8}, "other_base", "base"),
        ({"bare": 0.1, "few_shot": 0.8, "other": 0.95}, "prompt", "behaviour"),
        ({"bare": 0.1, "few_shot": 0.1, "adapter": 0.12}, "not_yet", "none"),
        ({"bare": 0.97, "adapter": 1.0}, "not_yet", "none"),
    ],
)
def test_the_cheapest_approach_that_no_dearer_one_beats_is_named(
    scores: dict[str, float], verdict: str, binding: str
) -> None:
    advice = advised(NAMED, 60, **scores)

    assert (advice.verdict, advice.binding) == (verdict, binding)
    assert [line.score for line in advice.ranking] == sorted(
        (line.score for line in advice.ranking), reverse=True
    )


def test_training_is_not_advised_before_the_failures_have_names() -> None:
    advice = advised(Signs(why_not="3 of the top 8 groups have no name yet"), bare=0.1, adapter=0.9)

    assert (advice.verdict, advice.candidate) == ("not_yet", "adapter")
    assert "3 of the top 8" in advice.headline
    assert any("3 of the top 8" in line for line in advice.missing)


def test_a_prompt_is_advised_whether_or_not_the_failures_have_names() -> None:
    assert advised(Signs(), bare=0.1, few_shot=0.9).verdict == "prompt"


def test_an_adapter_that_learned_only_the_most_frequent_answer_is_no_gain() -> None:
    advice = advised(bare=0.0, adapter=0.35, constant=0.3)

    assert advice.verdict == "not_yet"
    assert "one constant answer (30%)" in advice.headline
    assert [line.approach for line in advice.ranking] == ["adapter", "bare"]
    assert advised(bare=0.0, adapter=0.6, constant=0.3).verdict == "tune"


def test_a_small_sure_gain_is_not_worth_it() -> None:
    assert advised(n=1000, bare=0.50, adapter=0.53).verdict == "not_yet"


@pytest.mark.parametrize(("adapter", "told"), [(0.2, True), (0.13, False), (0.8, False)])
def test_an_adapter_that_has_begun_to_learn_is_to_be_trained_for_longer(adapter: float, told: bool) -> None:
    signs = Signs(ready=True, training=Training(60.0, "", "train-1", 200, 200))

    missing = advised(signs, bare=0.0, adapter=adapter, constant=0.13).missing

    assert any("--probe-steps 400" in line for line in missing) == told


def test_a_prompt_that_brings_most_of_what_an_adapter_would_comes_first() -> None:
    advice = advised(bare=0.0, prompt=0.88, adapter=1.0)

    assert advice.verdict == "prompt"
    assert "An adapter gets 12 points more than the improved prompt: measure again" in advice.says[0]
    assert advised(bare=0.0, prompt=0.6, adapter=0.9).verdict == "tune"


@pytest.mark.parametrize("known", [0.0, 0.5], ids=["the form is unknown", "the form is known"])
def test_of_many_approaches_that_guess_one_of_two_labels_hardly_any_is_advised(known: float) -> None:
    random = Random(7)
    ways: list[Approach] = ["prompt", "few_shot", "retrieval", "adapter", "hybrid", "constant"]
    advised_on = 0
    for _ in range(40):
        given = {name: flipped(0.5, random) for name in ways}
        given["bare"] = flipped(known, random)
        advised_on += advise("s", given, {}, NAMED, {}).verdict != "not_yet"

    assert advised_on <= 4, "of 40; 2 are what tests at 5% get wrong"


@pytest.mark.parametrize(
    ("passage", "verdict", "binding"),
    [
        ("The door code of ask is 4711.", "other_base", "base"),
        ("The house of ask has nine rooms.", "not_yet", "knowledge"),
    ],
)
def test_a_base_is_called_weak_only_where_the_passages_hold_the_answers(
    passage: str, verdict: str, binding: str
) -> None:
    failed = [msgspec.structs.replace(one, expected="4711") for one in results(0.0)]
    hits = [Hit("d.md", 0, 9, 1.0, passage)]
    gold = [msgspec.structs.replace(one, hits=hits) for one in failed]
    advice = advise("s", {"bare": failed, "gold": gold, "adapter": failed}, {}, NAMED, {})

    assert (advice.verdict, advice.binding) == (verdict, binding)
    assert ("Write the answers down" in advice.headline) == (verdict == "not_yet")


def test_too_few_cases_tell_nothing() -> None:
    advice = advised(n=12, bare=0.0, adapter=1.0)

    assert (advice.verdict, advice.binding) == ("not_yet", "cases")
    assert any("at least 20 cases" in line for line in advice.missing)


DISAGREEING = (
    (Signs(ready=True, conflicts=0.2), "20% of the rows answer the same question in another way"),
    (Signs(ready=True, noise_share=0.2), "in 20% of the cases the reference looks wrong"),
)


@pytest.mark.parametrize(("signs", "remark"), DISAGREEING, ids=["rows", "references"])
@pytest.mark.parametrize(
    ("scores", "verdict", "binding"),
    [
        ({"bare": 0.7, "prompt": 0.9}, "prompt", "behaviour"),
        ({"bare": 0.7, "adapter": 0.9}, "tune", "behaviour"),
        ({"bare": 0.7, "prompt": 0.72}, "fix_data", "labels"),
        ({"bare": 0.7}, "fix_data", "labels"),
        ({"bare": 0.98, "prompt": 1.0}, "not_yet", "none"),
        ({"bare": 0.98}, "not_yet", "none"),
        ({"bare": 0.1, "retrieval": 0.1, "gold": 0.9}, "retrieval", "retrieval"),
        ({"bare": 0.1, "few_shot": 0.1, "adapter": 0.12, "gold": 0.12}, "fix_data", "labels"),
    ],
)
def test_labels_that_disagree_bind_only_where_nothing_surely_helps(
    signs: Signs, remark: str, scores: dict[str, float], verdict: str, binding: str
) -> None:
    advice = advised(signs, 60, **scores)

    assert (advice.verdict, advice.binding) == (verdict, binding)
    assert (remark in advice.headline) == (verdict == "fix_data")
    assert any("labels disagree" in line or "wrong reference" in line for line in advice.says)


def test_a_few_doubtful_references_bind_nothing() -> None:
    advice = advised(Signs(ready=True, noise_share=0.05), bare=0.7)

    assert (advice.verdict, advice.binding) == ("not_yet", "none")
    assert "5% of the cases may have a wrong reference (temper triage)." in advice.says


def test_an_adapter_that_would_learn_changing_facts_by_heart_is_not_advised() -> None:
    signs = Signs(ready=True, perishable=0.8)

    assert advised(signs, bare=0.0, retrieval=0.5, adapter=0.9).verdict == "retrieval"
    alone = advised(signs, bare=0.0, adapter=0.9)
    assert (alone.verdict, alone.binding) == ("not_yet", "knowledge")
    assert "80% of the answers are facts that will change" in alone.headline


def test_a_weak_base_without_an_adapter_is_told_to_measure_one_first() -> None:
    advice = advised(bare=0.1, few_shot=0.1, gold=0.15)

    assert "even with the right passages and rows to follow it gets only 15% of 60" in advice.headline
    assert "--probe" in advice.headline


def test_another_model_that_helps_where_nothing_cheaper_does_is_named() -> None:
    advice = advised(Signs(ready=True, other="big"), bare=0.1, adapter=0.12, other=0.8)

    assert "try big: another model gets 80% of 60 cases right" in advice.headline


def test_labels_that_disagree_say_how_many() -> None:
    headline = advised(Signs(ready=True, conflicts=0.2), bare=0.1, few_shot=0.1).headline

    assert "20% of the rows answer the same question in another way" in headline


@pytest.mark.parametrize(("preferred", "told"), [(True, True), (False, False)])
def test_a_preference_run_that_gets_less_right_is_nicer_but_less_accurate(
    preferred: bool, told: bool
) -> None:
    says = advised(Signs(ready=True, preferred=preferred), bare=0.9, adapter=0.4).says

    assert ("Nicer but less accurate: after preference tuning 40%" in " ".join(says)) is told


def test_answers_that_could_not_be_made_are_told() -> None:
    given: dict[Approach, Sequence[CaseResult]] = {"bare": results(0.5), "few_shot": results(0.5)}
    for result in given["few_shot"][:3]:
        result.error = "too long"

    advice = advise("s", given, {}, NAMED, {})

    assert any(
        line.startswith("The prompt with a few rows: 3 answers could not be made") for line in advice.says
    )
    assert len([line for line in advice.says if "could not be made" in line]) == 1


def test_a_probe_is_said_to_be_one() -> None:
    signs = Signs(ready=True, training=Training(60.0, "from the probe's steps", "train-1", 80, 400))

    assert "The adapter is a probe of 80 of 400 steps: the whole run may get further." in (
        advised(signs, bare=0.1, adapter=0.9).says
    )


def test_failures_of_form_make_the_form_the_bottleneck() -> None:
    assert advised(Signs(ready=True, format_share=0.8), bare=0.1, adapter=0.9).binding == "format"


def test_what_was_noticed_is_said() -> None:
    signs = Signs(
        ready=True,
        perishable=0.3,
        serving_mismatch="another system prompt",
        preference_cost="tokens are hit less",
    )
    said = " ".join(advised(signs, bare=0.1, adapter=0.9).says)

    assert "facts that will change" in said
    assert "The training prompt is not the serving prompt: another system prompt." in said
    assert "Nicer but less accurate: tokens are hit less" in said


def test_a_better_search_is_said_to_have_room() -> None:
    assert "Better search could gain up to 30 points more." in advised(bare=0.1, retrieval=0.6, gold=0.9).says


def test_what_was_not_measured_is_missing_evidence() -> None:
    given: dict[Approach, Sequence[CaseResult]] = {"bare": results(0.1)}

    advice = advise("s", given, {}, NAMED, {"adapter": "none is trained"})

    assert "an adapter: not measured, none is trained" in advice.missing
    assert any("Full tuning" in line for line in advice.further)


def test_nothing_measured_is_not_yet() -> None:
    assert advise("s", {}, {}, NAMED, {}).verdict == "not_yet"


def test_each_line_has_its_interval_run_and_what_an_answer_takes() -> None:
    line = measured({"bare": results(0.5)}, {"bare": "advise-1"})["bare"]

    assert (line.n, line.score, line.tokens, line.latency_ms, line.run_id) == (60, 0.5, 40, 100, "advise-1")
    assert line.ci95[0] < 0.5 < line.ci95[1]


HOSTED = Prices("EUR", watts=500, kilowatt_hour=0.4, hosted_input=1.0, hosted_output=4.0)


def sheet_of(
    prices: Prices,
    training: Training | None,
    taken: Taken | None = None,
    hosted: Collection[Approach] = (),
    **scores: float,
) -> CostSheet:
    """The costs of these approaches, whose answers take 3.6 s, 30 tokens read and 10 written."""
    given: dict[Approach, Sequence[CaseResult]] = {
        name: results(share, milliseconds=3600)  # type: ignore[misc]  # names of approaches
        for name, share in scores.items()
    }
    lines = measured(given, {}, {"adapter": taken} if taken else {})
    costs.with_costs(lines, prices, training, hosted)
    return costs.sheet(lines, "adapter" if "adapter" in lines else "", training, prices, "big")


def test_costs_are_watts_and_hours_at_the_users_prices() -> None:
    sheet = sheet_of(HOSTED, Training(7200), bare=0.1, adapter=0.9)

    assert sheet.local == pytest.approx(0.2)  # a thousand answers of 3.6 s are an hour: half a kWh
    assert sheet.hosted == pytest.approx(1000 * (30 * 1.0 + 10 * 4.0) / 1e6)
    assert sheet.training == pytest.approx(0.4)
    assert (sheet.approach, sheet.watts, sheet.watts_from, sheet.missing) == ("adapter", 500, "prices", [])
    assert sheet.break_even is None  # the hosted one is cheaper


def test_answers_that_are_computed_at_once_share_the_hour_and_their_joules_are_their_watts() -> None:
    taken = Taken(answers=60, seconds=6.0, joules=1800.0)

    sheet = sheet_of(HOSTED, Training(60), taken, bare=0.1, adapter=0.9)

    assert (sheet.watts, sheet.watts_from) == (300, "measured")
    assert sheet.local == pytest.approx(0.1 * 1000 / 3600 * 0.3 * 0.4)
    assert sheet.training == pytest.approx(60 / 3600 * 0.3 * 0.4)
    assert sheet.break_even == pytest.approx(0.002 / (0.07 - 1 / 300) * 1000)


def test_a_rented_machine_has_its_price_by_the_hour_and_may_never_pay() -> None:
    prices = Prices(hour=10.0, hosted_input=0.1, hosted_output=0.1)

    sheet = sheet_of(prices, Training(3600), bare=0.1, adapter=0.9)

    assert sheet.local == sheet.training == pytest.approx(10.0)
    assert (sheet.break_even, sheet.missing) == (None, [])


def test_a_bare_prompt_behind_an_api_is_paid_for_by_the_token() -> None:
    sheet = sheet_of(HOSTED, None, hosted=["bare"], bare=0.9)

    assert sheet.local == pytest.approx(1000 * (30 * 1.0 + 10 * 4.0) / 1e6)


def test_another_model_that_was_measured_takes_the_place_of_the_hosted_one() -> None:
    prices = Prices(hour=1.0, hosted_input=1e5, hosted_output=0.0)
    here = sheet_of(prices, Training(3600), Taken(60, 21.6), bare=0.1, adapter=0.9, other=0.9)
    api = sheet_of(
        prices, Training(3600), Taken(60, 21.6), hosted=["other"], bare=0.1, adapter=0.9, other=0.9
    )

    assert here.against == "big"
    assert here.hosted == pytest.approx(1.0)  # an hour of this machine
    assert here.break_even == pytest.approx(1.0 / 0.9 * 1000)  # each answer is cheaper by 0.9 thousandths
    assert api.hosted == pytest.approx(1000 * 30 * 0.1)


def test_without_prices_nothing_is_made_up() -> None:
    sheet = sheet_of(Prices(), None, bare=0.5)

    assert (sheet.local, sheet.hosted, sheet.break_even) == (None, None, None)
    assert sheet.missing == ["hosted_input", "hosted_output", "watts", "kilowatt_hour"]
