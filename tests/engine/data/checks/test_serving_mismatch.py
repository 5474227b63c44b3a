"""Rows against the variant that will serve what they train: prompt, passages, tools."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from engine.data.checks.contract import CannotRun
from engine.data.checks.serving_mismatch import check
from engine.retrieval.prompt import INSTRUCTION
from store import datasets
from store.paths import WorkspacePaths
from store.records.data import Example, Message
from store.records.findings import CheckSettings, Finding
from tests.engine.data.checks.stage import basis_of, chat, lay, lines, turns

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[knowledge.docs]
sources = ["knowledge"]
[variants.plain]
model = "tiny"
prompt = "prompt.md"
[variants.tuned]
inherits = "plain"
adapter = "last"
[variants.helper]
model = "tiny"
knowledge = "docs"
"""
PROMPT = "Sort the message."


@pytest.fixture
def paths(paths: WorkspacePaths) -> WorkspacePaths:
    paths.root.mkdir()
    paths.settings.write_text(SETTINGS, encoding="utf-8")
    (paths.root / "prompt.md").write_text(PROMPT + "\n", encoding="utf-8")
    return paths


def found(
    paths: WorkspacePaths, rows: Iterable[Example], variant: str = "plain", **settings: str
) -> dict[str, Finding]:
    rows = list(rows)
    info = lay(paths, rows)
    path = datasets.version_folder(paths, info.name, info.version) / datasets.ROWS
    basis = basis_of(rows, CheckSettings(variant=variant, **settings), path)  # type: ignore[arg-type]  # a test names fields as it likes
    return {one.id.partition("/")[2]: one for one in check(basis)}


def under(system: str) -> Example:
    return turns(Message("system", system), Message("user", "q"), Message("assistant", "a"))


def test_rows_under_the_variants_own_prompt_match(paths: WorkspacePaths) -> None:
    assert found(paths, [under(PROMPT), under("sort  the message.")]) == {}


def test_rows_under_another_prompt_are_found_with_the_difference(paths: WorkspacePaths) -> None:
    one = found(paths, [under(PROMPT), under("Sort the letters.")])["prompt"]
    assert (one.severity, lines(one)) == ("warn", [2])
    assert "'message.'" in one.detail
    assert "'letters.'" in one.detail


def test_a_prompt_of_training_that_is_the_variants_own_matches(paths: WorkspacePaths) -> None:
    assert found(paths, [chat("q", "a")], system=PROMPT) == {}


def test_a_prompt_of_training_that_is_another_is_a_warning(paths: WorkspacePaths) -> None:
    assert found(paths, [chat("q", "a")], system="Be kind.")["training_prompt"].severity == "warn"


def test_rows_without_a_prompt_are_a_reminder_until_it_is_known_how_they_train(paths: WorkspacePaths) -> None:
    assert found(paths, [chat("q", "a")])["training_prompt"].severity == "info"
    assert found(paths, [chat("q", "a")], model="tiny")["training_prompt"].severity == "warn"


def test_an_adapter_that_is_not_trained_yet_is_no_obstacle(paths: WorkspacePaths) -> None:
    assert found(paths, [under(PROMPT)], "tuned") == {}


def test_a_variant_with_knowledge_wants_rows_with_passages(paths: WorkspacePaths) -> None:
    with_passages = chat(f"{INSTRUCTION}\n\n[1] one\n\n[2] two\n\nq", "a")
    assert "passages" in found(paths, [chat("q", "a")], "helper")
    assert found(paths, [with_passages], "helper") == {}
    assert lines(found(paths, [chat("q", "a"), with_passages], system=PROMPT)["passages"]) == [2]


def test_tools_in_rows_are_told(paths: WorkspacePaths) -> None:
    row = chat("q", "a", tools='[{"name": "f"}]')
    assert lines(found(paths, [chat("q", "a"), row], system=PROMPT)["tools"]) == [2]


@pytest.mark.parametrize("variant", ["", "nobody"])
def test_without_a_variant_that_can_be_read_the_check_does_not_run(
    paths: WorkspacePaths, variant: str
) -> None:
    with pytest.raises(CannotRun):
        found(paths, [chat("q", "a")], variant)
