"""The top list: groups of failures with what people decided, counts, and how they go from run to run.

A decision is a label on a failure's target. It holds for every later failure with that target, and for a
whole group where one of its members has one. Knows nothing of files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from engine.evals.triage.actions import ACTIONS, Means, command_of, is_behavioural
from engine.evals.triage.clustering import Embed, cluster
from engine.evals.triage.periods import by_period
from engine.evals.triage.texts import key_of
from store.records.labels import Label
from store.records.triage import CATEGORIES, Category, Count, Failure, FailureGroup, Triage

TOP = 20
HALF = 0.5
LETTERS = 72


def board(
    source: str,
    failures: Sequence[Failure],
    decisions: Mapping[str, Label],
    earlier: Sequence[tuple[str, str, Sequence[Failure]]] = (),
    means: Means | None = None,
    embed: Embed | None = None,
) -> Triage:
    """The failures of `source`, grouped. `earlier` are (run, variant, failures) of older runs, oldest first.

    Older failures are clustered together with the new ones, and then only counted; where there are none and
    the failures have days, the trend is over periods. Commands are made of `means`, groups with the help of
    `embed`.
    """
    new = {id(failure) for failure in failures}
    older = [failure for _, _, found in earlier for failure in found]
    clustered = [
        (members, [one for one in members if id(one) in new])
        for members in cluster([*failures, *older], embed)
    ]
    total = sum(failure.weight for failure in failures)
    days = sorted({day for failure in failures for day in failure.days})
    groups = []
    for everyone, members in clustered:
        if members:
            group = group_of(members, decisions, total, means or Means())
            group.trend = (
                [
                    *trend_of(everyone, earlier),
                    Count(source, members[0].variant, group.count),
                ]
                if earlier
                else course_of(members, days)
            )
            groups.append(group)
    groups.sort(key=lambda group: (-group.count, group.id))
    for number, group in enumerate(groups, start=1):
        group.number = number
    return with_rule(Triage(source, total, groups))


def group_of(
    members: Sequence[Failure], decisions: Mapping[str, Label], total: int, means: Means
) -> FailureGroup:
    """One group, with the category that most of its decided members have; else the guess of its leader."""
    made = [label for one in members if (label := decision_on(one, decisions)) is not None]
    leader, count = members[0], sum(one.weight for one in members)
    category: Category = leader.guess.category
    if made:
        category = cast(Category, Counter(label.value for label in made).most_common(1)[0][0])
    return FailureGroup(
        number=0,
        id=key_of(leader.target)[:6],
        title=title_of(leader),
        category=category,
        guess=leader.guess,
        count=count,
        share=count / total if total else 0.0,
        decided=len(made),
        members=list(members),
        action=ACTIONS[category],
        command=command_of(category, means),
        note=next((label.note for label in reversed(made) if label.note), ""),
    )


def decision_on(failure: Failure, decisions: Mapping[str, Label]) -> Label | None:
    """What was decided of a failure, under its name of today or else an older one; None where it was not."""
    for name in (failure.target, *failure.known_as):
        if name in decisions:
            return decisions[name] if decisions[name].value in CATEGORIES else None
    return None


def trend_of(
    everyone: Sequence[Failure], earlier: Sequence[tuple[str, str, Sequence[Failure]]]
) -> list[Count]:
    """How often the group failed in each older run."""
    targets = {id(one) for one in everyone}
    return [
        Count(run, variant, sum(one.weight for one in found if id(one) in targets))
        for run, variant, found in earlier
    ]


def course_of(members: Sequence[Failure], days: Sequence[str]) -> list[Count]:
    """How often the group was complained about in each period; empty where no `days` are known."""
    if not days:
        return []
    own: Counter[str] = Counter()
    for one in members:
        own.update(one.days)
    return [Count(period, "", count) for period, count in by_period(own, days[0], days[-1]).items()]


def with_rule(found: Triage) -> Triage:
    """Whether training may help: the top groups have names, and half of their weight is behavioural."""
    top = found.groups[:TOP]
    found.top = len(top)
    found.named = sum(group.named for group in top)
    weight = sum(group.count for group in top)
    behavioural = sum(
        one.weight for group in top for one in group.members if is_behavioural(group.category, one)
    )
    found.behavioural = behavioural / weight if weight else 0.0
    if not top:
        found.why_not = "nothing failed"
    elif found.named < len(top):
        nameless = f"{len(top) - found.named} of the top {len(top)} groups of failures have"
        only = "the only group of failures has"
        found.why_not = f"{nameless if len(top) > 1 else only} no name yet"
    elif found.behavioural < HALF:
        found.why_not = f"only {found.behavioural:.0%} of the top failures are behavioural"
    found.ready = not found.why_not
    return found


def title_of(failure: Failure) -> str:
    """A line that says what the group is about."""
    text = " ".join((failure.comment or failure.input).split())
    shown = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
    if failure.expected and max(len(failure.expected), len(failure.output)) <= 40:
        wanted, given = told_apart(failure.expected, failure.output.strip())
        return f"{wanted} expected, {given or 'nothing'} given: {shown}"
    return shown


def told_apart(wanted: str, given: str) -> tuple[str, str]:
    """Two answers in as few words as tell them apart: of `{"intent": "card"}` and its like, the values."""
    try:
        objects = json.loads(wanted), json.loads(given)
    except ValueError:
        return wanted, given
    if all(isinstance(one, dict) and len(one) == 1 for one in objects) and set(objects[0]) == set(objects[1]):
        values = [str(value) for one in objects for value in one.values()]
        return values[0], values[1]
    return wanted, given
