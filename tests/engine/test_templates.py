"""The workspaces that `temper init` copies: ready as they are, and new to the embedded base."""

from __future__ import annotations

import ast
import itertools
import json
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest

import engine
from app.cli.main import COMMANDS
from engine.data.ensure import ensure_dataset
from engine.evals.suite import LoadedSuite, load_suite
from engine.models.builtin import builtin_directory
from engine.models.variants import read_prompt
from engine.training.recipe import load_recipe
from engine.workspaces import create
from scripts import tiny_base
from scripts.tiny_base.corpus import documents
from store import datasets, labels, settings
from store.records.data import Example
from store.records.evals import CasesFrom
from store.records.labels import Label
from store.records.workspace import WorkspaceConfig
from store.workspace import Workspace

TEMPLATES = Path(engine.__file__).parent / "templates"
NAMES = ("blank", "contracts", "research", "support")
FOLDERS = ("evals", "knowledge", "labels", "prompts")
RUN = 5  # words in a row that make a phrase more than chance
BASE_DOCUMENTS = 4000  # a sample of what the base reads; every sentence it is made of is looked at as well
MACHINE = re.compile(
    r"https?:|(?<![\w.])/(?:home|work|root|tmp|usr|mnt|opt)/|localhost|\w\.(?:com|org|net|io)\b"
)
DRAFT = "https://json-schema.org/draft/2020-12/schema"  # names the language that schemas are written in


@pytest.fixture(params=NAMES)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    return opened(request.param, tmp_path)


@pytest.fixture
def support(tmp_path: Path) -> Workspace:
    return opened("support", tmp_path)


def opened(name: str, folder: Path) -> Workspace:
    """A fresh workspace of the template `name`."""
    return Workspace(Path(shutil.copytree(TEMPLATES / name, folder / name)))


def texts() -> list[Path]:
    """Every file of every template."""
    return sorted(path for path in TEMPLATES.rglob("*") if path.is_file())


def suites(workspace: Workspace) -> list[LoadedSuite]:
    return [load_suite(path, workspace.root) for path in sorted(workspace.paths.evals.glob("*.yaml"))]


def rows(workspace: Workspace, reference: str) -> list[Example]:
    ensure_dataset(workspace, reference)
    return datasets.read_rows(workspace.paths, reference)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def phrases(text: str) -> set[tuple[str, ...]]:
    """All runs of five words."""
    row = words(text)
    return {tuple(row[start : start + RUN]) for start in range(len(row) - RUN + 1)}


def test_there_are_exactly_the_templates_that_init_offers() -> None:
    assert sorted(path.name for path in TEMPLATES.iterdir()) == sorted(NAMES)


def test_every_template_has_the_folders_of_a_workspace_and_keeps_derived_files_out_of_git(
    workspace: Workspace,
) -> None:
    assert [name for name in FOLDERS if not (workspace.root / name).is_dir()] == []
    assert {".temper/", "adapters/"} <= set((workspace.root / ".gitignore").read_text().splitlines())
    assert not workspace.paths.derived.exists()


def test_every_dataset_is_imported_without_losing_a_row(workspace: Workspace) -> None:
    for name in workspace.config.datasets:
        info = ensure_dataset(workspace, name)
        assert (info.kind, info.dropped) == ("chat", [])
        assert min(info.splits["train"], info.splits["heldout"]) > 0


def test_every_variant_finds_its_model_prompt_and_documents(workspace: Workspace) -> None:
    for name in workspace.config.variants:
        variant = workspace.variant(name)
        assert workspace.model(variant.model or "").path == "builtin:tiny"
        assert read_prompt(workspace, variant.prompt or "")
        if variant.knowledge:
            sources = workspace.knowledge(variant.knowledge).sources
            assert all(list(workspace.path(source).rglob("*.md")) for source in sources)
    assert builtin_directory("tiny").is_dir()


def test_the_defaults_name_what_is_there(workspace: Workspace) -> None:
    defaults = workspace.config.defaults
    assert workspace.variant(defaults.variant or "").model
    assert workspace.knowledge(defaults.knowledge or "").sources


def test_every_recipe_names_what_is_there(workspace: Workspace) -> None:
    for path in sorted((workspace.root / "recipes").glob("*.toml")):
        recipe = load_recipe(path)
        assert recipe.base in workspace.config.models
        assert recipe.dataset in workspace.config.datasets
        assert read_prompt(workspace, recipe.prompt)


def test_a_model_is_asked_with_the_prompt_it_was_trained_with() -> None:
    for name in ("contracts", "support"):
        workspace = Workspace(TEMPLATES / name)
        recipe = load_recipe(workspace.root / "recipes" / f"{name}.toml")
        assert recipe.prompt == workspace.variant("base").prompt == workspace.variant("tuned").prompt


def test_every_suite_loads_and_takes_its_cases_from_rows_that_are_never_trained_on(
    workspace: Workspace,
) -> None:
    found = suites(workspace)
    assert set(workspace.config.gates) <= {loaded.suite.name for loaded in found}
    for loaded in found:
        cases = loaded.suite.cases
        if isinstance(cases, CasesFrom):
            assert cases.dataset.endswith("/heldout")
            assert rows(workspace, cases.dataset)


@pytest.mark.parametrize("name", ["contracts", "support"])
def test_every_answer_of_the_data_fits_the_schema_of_the_suite(name: str, tmp_path: Path) -> None:
    workspace = opened(name, tmp_path)
    checks = suites(workspace)[0].suite.checks
    [file] = [check.options["schema"] for check in checks if check.kind == "json_schema"]
    schema = json.loads((workspace.paths.evals / file).read_text())
    for answer in {example.messages[-1].content for example in rows(workspace, f"{name}/all")}:
        jsonschema.validate(json.loads(answer), schema)


def test_every_question_of_the_research_suite_is_answered_by_a_document_or_by_none() -> None:
    workspace = Workspace(TEMPLATES / "research")
    documents = "\n".join(
        " ".join(path.read_text().split()) for path in (workspace.root / "knowledge").glob("*.md")
    )
    cases = suites(workspace)[0].suite.cases
    assert isinstance(cases, list)
    assert len(cases) >= 20
    for case in cases:
        silent = "not-in-documents" in case.tags
        assert ((case.expected or "") in documents) is not silent, case.id


def test_support_has_enough_rows_and_no_intent_is_rare(support: Workspace) -> None:
    counts = Counter(example.messages[-1].content for example in rows(support, "support/all"))
    assert len(counts) == 8
    assert counts.total() >= 300
    assert min(counts.values()) >= 50
    assert max(counts.values()) <= 1.2 * min(counts.values())


def test_answers_of_support_are_strict_json_with_the_intent_alone(support: Workspace) -> None:
    for example in rows(support, "support/all"):
        answer = example.messages[-1].content
        assert answer == json.dumps({"intent": json.loads(answer)["intent"]})


def test_the_held_out_messages_of_support_are_like_none_that_is_trained_on(support: Workspace) -> None:
    train, heldout = rows(support, "support/train"), rows(support, "support/heldout")
    assert {row.messages[0].content for row in train}.isdisjoint(row.messages[0].content for row in heldout)
    assert closest(train, heldout) <= 0.8


def closest(left: list[Example], right: list[Example]) -> float:
    """The largest Jaccard index of words between a message of `left` and one of `right`."""
    sets = [[frozenset(words(row.messages[0].content)) for row in side] for side in (left, right)]
    return max(len(one & other) / len(one | other) for one, other in itertools.product(*sets))


def test_no_two_messages_of_support_are_nearly_the_same(support: Workspace) -> None:
    messages = [frozenset(words(row.messages[0].content)) for row in rows(support, "support/all")]
    assert max(len(one & two) / len(one | two) for one, two in itertools.combinations(messages, 2)) <= 0.8


@pytest.fixture(scope="module")
def base_phrases() -> set[tuple[str, ...]]:
    """Runs of five words in every sentence that the base's documents are made of, and in a sample of them."""
    folder = Path(tiny_base.__file__).parent
    found: set[tuple[str, ...]] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= phrases(node.value)
    for path in folder.rglob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            found |= phrases(line)
    return found.union(*map(phrases, documents(seed=1, count=BASE_DOCUMENTS)))


@pytest.mark.parametrize("name", ["contracts", "support"])
def test_no_row_or_prompt_shares_five_words_in_a_row_with_what_the_base_was_trained_on(
    name: str, tmp_path: Path, base_phrases: set[tuple[str, ...]]
) -> None:
    workspace = opened(name, tmp_path)
    recipe = load_recipe(workspace.root / "recipes" / f"{name}.toml")
    mine = [row.messages[0].content for row in rows(workspace, f"{name}/all")]
    for text in [*mine, read_prompt(workspace, recipe.prompt)]:
        assert phrases(text) & base_phrases == set()


def test_the_phrases_of_the_base_hold_those_of_its_documents(base_phrases: set[tuple[str, ...]]) -> None:
    [document] = documents(seed=1, count=1)
    assert phrases(document)
    assert phrases(document) <= base_phrases


def test_no_file_of_a_template_names_a_machine_or_a_host() -> None:
    for path in texts():
        assert MACHINE.findall(path.read_text(encoding="utf-8").replace(DRAFT, "")) == [], path


def test_the_texts_of_a_template_mention_only_commands_that_there_are() -> None:
    said = re.compile(r"^ +temper ([a-z]+)|[`:] ?temper ([a-z]+)", re.MULTILINE)
    for path in texts():
        if path.suffix in (".md", ".toml") and path.parent.name != "knowledge":
            named = {one or two for one, two in said.findall(path.read_text(encoding="utf-8"))}
            assert named <= set(COMMANDS), path


def test_blank_explains_every_setting_and_each_works_when_it_is_switched_on() -> None:
    text = (TEMPLATES / "blank" / "temper.toml").read_text(encoding="utf-8")
    switched_on = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE)
    raw = tomllib.loads(switched_on)
    settings.build(raw, WorkspaceConfig, "temper.toml")
    assert set(struct_keys(WorkspaceConfig)) <= set(used_keys(raw))
    lines = [line for line in switched_on.splitlines() if re.match(r"[a-z_]+ = ", line)]
    assert [line for line in lines if "  # " not in line] == []


def struct_keys(kind: type[msgspec.Struct]) -> Iterator[str]:
    """The names of all settings below `kind`."""
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # of a struct's info
        yield field.encode_name
        yield from nested_keys(field.type)


def nested_keys(kind: msgspec.inspect.Type) -> Iterator[str]:
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            yield from struct_keys(cls)
        case msgspec.inspect.DictType(value_type=value):
            yield from nested_keys(value)
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from nested_keys(one)


def used_keys(raw: object) -> Iterator[str]:
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield key
            yield from used_keys(value)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_decisions_of_two_branches_are_merged_by_git_without_a_conflict(tmp_path: Path) -> None:
    workspace = create(tmp_path / "mine", "blank")

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=ida", "-c", "user.email=ida@example.org")
        subprocess.run(("git", *who, *arguments), cwd=workspace.root, check=True, capture_output=True)

    def decide(target: str, value: str) -> None:
        labels.append(workspace.paths, Label("category", target, value))
        git("add", "-A")
        git("commit", "-qm", value)

    git("init", "-q", "-b", "main")
    decide("c0", "tone")
    git("switch", "-qc", "other")
    decide("c1", "format")
    git("switch", "-q", "main")
    decide("c2", "tool")

    git("merge", "-q", "--no-edit", "other")

    assert {one.target for one in labels.read(workspace.paths, "category")} == {"c0", "c1", "c2"}
