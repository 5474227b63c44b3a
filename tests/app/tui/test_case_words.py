"""What the page of a case says of an answer that was chosen."""

from __future__ import annotations

from app.tui.widgets.case_words import about
from store.records.evals import CaseResult, CheckResult, ChoiceScore


def test_choices_stand_with_their_shares_the_likeliest_first() -> None:
    case = CaseResult("s", "v", "c", "Which?", "b", True, 1.0, [CheckResult("exact", True, 1.0)])
    case.choices = [ChoiceScore("a", -1001.0986, 1), ChoiceScore("b", -1000.0, 2)]

    told = {str(name): str(value) for name, value in about(case, None)}

    assert told["chosen from"] == "b 75%   a 25%"


def test_only_the_likeliest_of_many_choices_are_listed() -> None:
    case = CaseResult("s", "v", "c", "Which?", "t0", True, 1.0, [])
    case.choices = [ChoiceScore(f"t{at}", -float(at), 1) for at in range(20)]

    told = {str(name): str(value) for name, value in about(case, None)}

    assert told["chosen from"].startswith("t0 63%   t1 23%")
    assert told["chosen from"].endswith("and 14 more")
