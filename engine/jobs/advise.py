"""The job `advise`: the same cases through every approach there is material for, then the advice on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import Any

import msgspec

from engine.evals import stored
from engine.evals.advisor import costs
from engine.evals.advisor.deciding import WEAK, advise
from engine.evals.advisor.sentences import NAMES
from engine.evals.baselines import majority_results
from engine.evals.run import CheckedCase, Terms
from engine.evals.suite import LoadedSuite, find_suite, load_suite
from engine.jobs.advising.asking import asked_as, identity_of, measure
from engine.jobs.advising.signs import (
    compare_prompts,
    leaked,
    read_report,
    read_training,
    report_on,
    signs_of,
)
from engine.jobs.advising.taking import Account
from engine.jobs.advising.training import training_of, training_run
from engine.jobs.advising.ways import Wanted, Way, Ways, find_ways
from engine.jobs.context import JobContext, Phases, ProgressMeter
from engine.jobs.energy import energy_counter
from engine.jobs.evaluating.asking import items_of
from engine.jobs.evaluating.cases import checked_cases, training_answers
from engine.jobs.evaluating.helping import Help
from store import atomic
from store.errors import TemperError
from store.records.advice import Advice, Approach, Signs, Taken
from store.records.evals import CaseResult
from store.records.workspace import ResolvedVariant
from store.workspace import Workspace


class AdviseParams(msgspec.Struct):
    """The suite, what is named for it (empty: looked for), and how many cases at most."""

    suite: str
    wanted: Wanted = msgspec.field(default_factory=Wanted)
    limit: int | None = None


def run(context: JobContext) -> dict[str, Any]:
    """Measure and advise; the result is the advice.

    What earlier runs answered alike is taken over: a run that was stopped is gone on with by asking again.
    """
    params = context.params(AdviseParams)
    workspace = context.workspace()
    loaded = load_suite(find_suite(workspace.root, params.suite), workspace.root)
    cases = checked_cases(workspace, loaded, params.limit)
    found = find_ways(workspace, loaded, [case for case, _ in cases], params.wanted)
    for approach, why in found.unmeasured.items():
        context.notice(f"{NAMES[approach]}: not measured", why)
    with stored.Results(context.folder.results) as file, Help(workspace, loaded) as helped:
        helped.resolve_judge([check for _, checks in cases for check in checks])
        measuring = Measuring(context, workspace, loaded, cases, found, file)
        measuring.try_out(found.ways)
        measuring.try_again()
        leave_out_unasked(measuring.results, found)
    context.artifact("results", context.folder.results, "results")
    signs = looked_for(context, workspace, measuring, found, params.wanted)
    answers = training_answers(workspace, loaded)
    measuring.results["constant"] = majority_results(loaded.suite.name, cases, answers)
    advice = concluded(workspace, measuring, found, signs)
    advised = context.folder.path / "artifacts" / "advice.json"
    atomic.write_bytes(advised, msgspec.json.format(msgspec.json.encode(advice)))
    return {"suite": loaded.suite.name, "advice": msgspec.to_builtins(advice)}


class Measuring:
    """Takes the cases through approaches; `results` are by approach, on disk as they come.

    `behind_prompt` are those with passages that do better behind the improved prompt.
    """

    def __init__(
        self,
        context: JobContext,
        workspace: Workspace,
        loaded: LoadedSuite,
        cases: list[CheckedCase],
        found: Ways,
        file: stored.Results,
    ) -> None:
        self.results: dict[Approach, list[CaseResult]] = defaultdict(list)
        self.run_id, self.loaded, self.cases = context.folder.run_id, loaded, cases
        self._context, self._workspace = context, workspace
        self._found, self._file = found, file
        self.behind_prompt: list[Approach] = []
        self._variants: dict[str, ResolvedVariant] = {}
        self._hashes: dict[Approach, str] = {}
        self._account = Account(workspace, context.folder, energy_counter(context.device))

    def try_out(self, ways: Sequence[Way]) -> None:
        """Every case through every approach; those that share a model share one load of it."""
        by_variant: dict[str, list[Way]] = defaultdict(list)
        for way in ways:
            by_variant[way.variant].append(way)
        for name, mine in by_variant.items():
            variant = self._resolved(name)
            suite = self.loaded.suite
            items = items_of(self.cases, variant, suite.epochs, self._context.notice)
            meter = self._context.progress(f"measure {name}", len(items) * len(mine))
            done = 0

            def emit(way: Way, result: CaseResult, meter: ProgressMeter = meter) -> None:
                nonlocal done
                done += 1
                self._file.append(result)
                self.results[way.approach].append(result)
                meter.advance(done)

            self._hashes |= {way.approach: identity_of(self._workspace, way, variant) for way in mine}
            terms = [
                Terms(suite.name, way.approach, self._hashes[way.approach], suite.threshold) for way in mine
            ]
            pairs = list(zip(mine, terms, strict=True))
            own, timed = self._context.folder.results, self._account.answering
            measure(self._workspace, variant, pairs, items, own, emit, timed)

    def taken(self) -> dict[Approach, Taken]:
        """What the answers of each approach took, as far as somebody saw them made."""
        name = self.loaded.suite.name
        found = {approach: self._account.of(asked_as(name, by)) for approach, by in self._hashes.items()}
        return {approach: taken for approach, taken in found.items() if taken is not None}

    def hosted(self) -> set[Approach]:
        """The approaches whose model is behind an API."""
        return {way.approach for way in self._found.ways if self._resolved(way.variant).remote is not None}

    def try_again(self) -> None:
        """Where passages behind the bare prompt are too little, with more before them; the better counts."""
        for again in second_tries(self._found, self.results):
            name = again.approach
            alone, by = self.results.pop(name), self._hashes[name]
            self.try_out([again])
            if passed(self.results[name]) <= passed(alone):
                self.results[name], self._hashes[name] = alone, by
            elif again.system is not None:
                self.behind_prompt.append(name)

    def _resolved(self, name: str) -> ResolvedVariant:
        from engine.models.variants import resolve

        if name not in self._variants:
            self._variants[name] = resolve(self._workspace, name, self._context.notice)
        return self._variants[name]


def leave_out(results: dict[Approach, list[CaseResult]], seen: Set[str]) -> list[Approach]:
    """Drop what trained approaches answered to cases that they were trained on and may know by heart.

    The approaches that nothing is left of.
    """
    trained = [approach for approach in costs.TUNED if approach in results]
    for approach in trained:
        results[approach] = [result for result in results[approach] if result.case not in seen]
    return [approach for approach in trained if not results[approach]]


def leave_out_unasked(results: dict[Approach, list[CaseResult]], found: Ways) -> None:
    """Drop approaches that no answer could be made for: that says nothing of how right they would be.

    Raises TemperError where this is so of the bare prompt: then there is nothing to compare with.
    """
    for approach in [approach for approach, made in results.items() if all(one.error for one in made)]:
        why = results.pop(approach)[0].error
        found.unmeasured[approach] = f"no case could be asked: {why}"
        if approach == "bare":
            raise TemperError(
                "The suite could not be asked",
                f"No case got an answer from {found.ways[0].variant!r}. The first error: {why}",
                "See whether the model runs and the prompts fit into what it reads, and ask again.",
            )


def second_tries(found: Ways, results: dict[Approach, list[CaseResult]]) -> Iterator[Way]:
    """Passages behind the improved prompt, then the right ones with rows to follow too, each where what was
    tried so far is too little: a prompt that does not say what is wanted wastes the best passage, and before
    a base is called too weak it should have had both.
    """
    ways = {way.approach: way for way in found.ways}
    tries: list[tuple[Approach, Approach]] = [
        ("retrieval", "prompt"),
        ("gold", "prompt"),
        ("gold", "few_shot"),
    ]
    for name, more in tries:
        if name in ways and more in ways and results[name] and passed(results[name]) < WEAK:
            yield msgspec.structs.replace(ways[name], system=ways[more].system, rows=ways[more].rows)


def passed(results: list[CaseResult]) -> float:
    """The share that passed."""
    return sum(result.passed for result in results) / max(1, len(results))


def looked_for(
    context: JobContext, workspace: Workspace, measuring: Measuring, found: Ways, wanted: Wanted
) -> Signs:
    """All signs beside the scores: in the answers, the cases, the rows and the adapter's run."""
    suite, cases = measuring.loaded.suite.name, [case for case, _ in measuring.cases]
    variant = found.ways[0].variant
    report = report_on(workspace, found.dataset, variant, Phases(context).advance)
    if report is not None:
        found.seen |= leaked(report) & {case.id for case in cases}
    for approach in leave_out(measuring.results, found.seen):
        found.unmeasured[approach] = "every case stands among the rows to train on"
    signs = signs_of(workspace, suite, context.folder.run_id, measuring.results, cases)
    if report is not None:
        read_report(report, signs)
    run = training_run(workspace, found.adapter) if found.adapter else None
    if run is not None:
        read_training(run, signs)
        compare_prompts(workspace, found.adapter, run, signs)
        signs.training = training_of(workspace, run, found.dataset, variant)
    signs.behind_prompt = list(dict.fromkeys(measuring.behind_prompt))
    signs.other, signs.seen = wanted.against, len(found.seen) if found.adapter else 0
    return signs


def concluded(workspace: Workspace, measuring: Measuring, found: Ways, signs: Signs) -> Advice:
    """The advice with its cost sheet."""
    results, suite = measuring.results, measuring.loaded.suite.name
    runs = dict.fromkeys(results, measuring.run_id)
    advice = advise(suite, results, runs, signs, found.unmeasured, measuring.taken())
    prices, lines = workspace.config.prices, {line.approach: line for line in advice.ranking}
    costs.with_costs(lines, prices, signs.training, hosted=measuring.hosted())
    advice.costs = costs.sheet(lines, advice.candidate, signs.training, prices, signs.other)
    return advice
