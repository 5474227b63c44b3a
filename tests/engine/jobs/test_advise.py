"""The job `advise` on the embedded base: the fix is named, and known answers are taken over."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import msgspec
import pytest

from engine.evals import stored
from engine.evals.suite import load_suite
from engine.jobs.advise import AdviseParams, leave_out, leave_out_unasked, second_tries
from engine.jobs.advising.passages import GoldPassages
from engine.jobs.advising.ways import Wanted, Way, Ways, find_ways, knowledge_of, plain_variant, shots_of
from engine.jobs.context import JobContext
from scripts.tiny_base import words
from store import runs
from store.errors import UsageError
from store.records.advice import Advice, Approach
from store.records.data import Example, Message
from store.records.evals import Case, CaseResult
from store.records.knowledge import Chunk
from store.records.workspace import Knowledge
from store.workspace import Workspace
from tests.engine.data.checks.stage import chat, lay
from tests.workers import run_here

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[variants.base]
model = "tiny"
prompt = "prompts/base.md"
[variants.base.sampling]
max_tokens = 24
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Twenty-four sentences to be sorted; the base does so when the better prompt says it."""
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))
    root = tmp_path / "planted"
    random = Random(7)
    cases = []
    for number in range(24):
        group = random.choice(words.read_groups())
        answer = json.dumps({"group": group.name})
        cases.append({"id": f"c{number}", "input": words.sentence(random, group), "expected": answer})
    suite = {"name": "planted", "cases": cases, "checks": [{"kind": "exact"}]}
    for name, text in {
        "temper.toml": SETTINGS,
        "prompts/base.md": "Answer the customer.",
        "prompts/better.md": "Answer with the group as JSON.",
        "evals/planted.yaml": json.dumps(suite),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Workspace(root)


def advice_of(workspace: Workspace, params: AdviseParams) -> tuple[runs.RunFolder, Advice]:
    folder = run_here(workspace, "advise", params, "planted")
    view = runs.view(folder)
    assert view.state == "finished", view.error
    return folder, msgspec.convert(view.result["advice"], Advice)


def test_a_prompt_that_is_the_fix_is_named_and_asked_once(planted: Workspace) -> None:
    params = AdviseParams("evals/planted.yaml", Wanted(prompt="prompts/better.md"))

    _, advice = advice_of(planted, params)
    again, repeated = advice_of(planted, params)

    assert (advice.verdict, advice.candidate) == ("prompt", "prompt")
    scores = {line.approach: line.score for line in advice.ranking}
    assert scores["bare"] < 0.2 < 0.7 < scores["prompt"]
    assert any(
        "an adapter, an adapter with retrieval: not measured, the suite's cases" in line
        for line in advice.missing
    )
    assert (repeated.verdict, [line.score for line in repeated.ranking]) == (
        "prompt",
        [line.score for line in advice.ranking],
    )
    assert all(result.cached for result in stored.read(again.results))


def test_what_was_answered_before_a_stop_is_kept_and_not_asked_again(
    planted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = AdviseParams("evals/planted.yaml", Wanted(prompt="prompts/better.md"))

    def after_ten(context: JobContext) -> bool:
        return context.folder.results.is_file() and len(list(stored.read(context.folder.results))) >= 10

    with monkeypatch.context() as patch:
        patch.setattr(JobContext, "stop_requested", after_ten)
        stopped = run_here(planted, "advise", params, "planted")
    folder, advice = advice_of(planted, params)

    assert runs.view(stopped).state == "cancelled"
    kept = {(one.variant, one.case) for one in stored.read(stopped.results)}
    taken_over = {(one.variant, one.case) for one in stored.read(folder.results) if one.cached}
    assert len(kept) >= 10
    assert taken_over == kept
    assert advice.verdict == "prompt"


def test_another_model_is_measured_behind_the_same_prompt(planted: Workspace) -> None:
    params = AdviseParams("evals/planted.yaml", Wanted(against="tiny"))

    folder, advice = advice_of(planted, params)

    lines = {line.approach: line for line in advice.ranking}
    assert lines["other"].score == lines["bare"].score
    assert lines["other"].seconds
    outputs = {
        name: [one.output for one in stored.read(folder.results) if one.variant == name] for name in lines
    }
    assert sorted(outputs["other"]) == sorted(outputs["bare"])


def test_what_an_answer_takes_is_that_of_the_same_suite(planted: Workspace) -> None:
    text = (planted.root / "evals/planted.yaml").read_text(encoding="utf-8")
    (planted.root / "evals/other.yaml").write_text(text.replace("planted", "other"), encoding="utf-8")
    advice_of(planted, AdviseParams("evals/planted.yaml"))

    _, again = advice_of(planted, AdviseParams("evals/planted.yaml"))
    _, other = advice_of(planted, AdviseParams("evals/other.yaml"))

    assert again.ranking[0].seconds
    assert other.ranking[0].seconds is None  # its answers were taken over, and nobody saw them made


def test_rows_are_shown_by_a_plain_template_too(planted: Workspace) -> None:
    (planted.root / "temper.toml").write_text(
        SETTINGS.replace('prompt = "prompts/base.md"', 'template = "Q: {prompt}\\nA:{completion}"'),
        encoding="utf-8",
    )
    lay(planted.paths, [chat("Another question", "fees")], "d")
    wanted = Wanted(prompt="prompts/better.md", rows="d")

    folder, advice = advice_of(planted, AdviseParams("evals/planted.yaml", wanted))

    asked = {one.variant: one.prompt for one in stored.read(folder.results) if one.case == "c0"}
    assert asked["few_shot"] == "Q: Another question\nA:fees\n" + asked["bare"]
    assert "prompt" not in asked
    assert any("a plain template has no place for it" in line for line in advice.missing)


def test_rows_that_give_cases_away_are_not_shown(planted: Workspace) -> None:
    suite = json.loads((planted.root / "evals/planted.yaml").read_text(encoding="utf-8"))
    cases = [msgspec.convert(case, Case) for case in suite["cases"]]
    away = [chat(f" {case.input.upper()}", case.expected or "") for case in cases[:3]]
    lay(planted.paths, [*away, chat("Another question", "fees")], "d")
    loaded = load_suite(planted.root / "evals/planted.yaml", planted.root)

    found = find_ways(planted, loaded, cases, Wanted(rows="d"))

    assert found.seen == {"c0", "c1", "c2"}
    (few_shot,) = (way for way in found.ways if way.approach == "few_shot")
    assert [message.content for message in few_shot.rows] == ["Another question", "fees"]


def test_an_adapter_is_not_measured_on_what_it_was_trained_on() -> None:
    def answered(*cases: str) -> list[CaseResult]:
        return [CaseResult("s", "v", case, "", "", True, 1.0, []) for case in cases]

    results: dict[Approach, list[CaseResult]] = {
        "bare": answered("a", "b"),
        "adapter": answered("a", "b"),
        "hybrid": answered("a"),
    }

    assert leave_out(results, {"a"}) == ["hybrid"]

    assert [one.case for one in results["adapter"]] == ["b"]
    assert len(results["bare"]) == 2


def test_an_approach_that_nothing_could_be_asked_with_has_no_score() -> None:
    def answered(error: str) -> list[CaseResult]:
        return [CaseResult("s", "v", case, "", "", False, 0.0, [], error=error) for case in ("a", "b")]

    results: dict[Approach, list[CaseResult]] = {"bare": answered(""), "few_shot": answered("too long")}
    found = Ways([Way("bare", "base")])

    leave_out_unasked(results, found)

    assert list(results) == ["bare"]
    assert found.unmeasured == {"few_shot": "no case could be asked: too long"}


def test_the_right_passages_are_those_of_the_expected_sources() -> None:
    chunks = [
        Chunk("1", "kb/fees.md", 0, 20, "a transfer costs two"),
        Chunk("2", "kb/fees.md", 20, 40, "cards are free"),
        Chunk("3", "kb/other.md", 0, 9, "transfer"),
    ]
    gold = GoldPassages(chunks)

    def found(*sources: str, most: int = 4) -> list[str]:
        case = Case("c", "What does a transfer cost?", "two", expected_sources=list(sources))
        return [hit.chunk for hit in gold.of(case, most)]

    assert found("fees.md") == ["1", "2"]
    assert found("fees.md", most=1) == ["1"]
    assert found("kb/fees.md:25-30") == ["2"]
    assert found("gone.md") == found() == []


def test_passages_that_are_too_little_are_tried_behind_the_improved_prompt_and_rows_too() -> None:
    rows = [Message("user", "a"), Message("assistant", "b")]
    found = Ways(
        [
            Way("bare", "base"),
            Way("prompt", "base", "In JSON."),
            Way("few_shot", "base", "In JSON.", rows),
            Way("retrieval", "base", passages="found", knowledge="docs"),
            Way("gold", "base", passages="gold", knowledge="docs"),
        ]
    )

    def tried(retrieval: bool, gold: bool) -> list[tuple[str, str | None, int, str]]:
        results: dict[Approach, list[CaseResult]] = {
            "retrieval": [CaseResult("s", "retrieval", "c", "a", "x", retrieval, 1.0, [])],
            "gold": [CaseResult("s", "gold", "c", "a", "x", gold, 1.0, [])],
        }
        again = second_tries(found, results)
        return [(way.approach, way.system, len(way.rows), way.passages) for way in again]

    prompted = [("retrieval", "In JSON.", 0, "found"), ("gold", "In JSON.", 0, "gold")]
    assert tried(False, False) == [*prompted, ("gold", "In JSON.", 2, "gold")]
    assert tried(False, True) == prompted[:1]
    assert tried(True, True) == []


def test_rows_to_follow_show_different_answers_the_frequent_and_short_first() -> None:
    rows = [
        Example(str(n), n, [Message("user", asked), Message("assistant", answer)])
        for n, (asked, answer) in enumerate(
            [
                ("a long question", "fees"),
                ("short", "fees"),
                ("other", "card"),
                ("third", "fees"),
                ("x", "login"),
            ]
        )
    ]
    several_turns = Example("9", 9, [Message("user", "a"), Message("assistant", "b")] * 2)

    shots = shots_of([*rows, several_turns], 2)

    assert [message.content for message in shots] == ["short", "fees", "other", "card"]


def test_a_variants_own_documents_are_searched_before_the_default_ones(planted: Workspace) -> None:
    config = planted.config
    config.knowledge |= {"own": Knowledge(["own"]), "shared": Knowledge(["shared"])}
    config.defaults.knowledge = "shared"

    assert knowledge_of(planted, "base", Wanted()) == "shared"
    config.variants["base"].knowledge = "own"
    assert knowledge_of(planted, "base", Wanted()) == "own"
    assert knowledge_of(planted, "base", Wanted(knowledge="shared")) == "shared"


def test_without_a_plain_variant_it_asks_which(planted: Workspace) -> None:
    planted.config.variants["base"].adapter = "last"

    with pytest.raises(UsageError, match="Which variant to start from"):
        plain_variant(planted)
