"""From a name to what would run: variants, runs, kept adapters, models, paths, and what is none of them."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.models.adapters import PASSPORT, adapter_folder
from engine.models.builtin import builtin_directory
from engine.models.variants import (
    DEFAULT_PASSAGES,
    LARGE,
    Parts,
    default_quant,
    describe,
    identity_of,
    knowledge_of,
    read_prompt,
)
from store.errors import MissingError, UsageError
from store.hashing import sha256_of_text
from store.records.workspace import GgufAdapter, ResolvedVariant, Sampling
from store.workspace import Workspace
from tests.engine.models.conftest import SETTINGS, lay_adapter, lay_run

TINY = builtin_directory("tiny")


def test_a_variant_takes_what_it_does_not_say_from_the_one_it_inherits(workspace: Workspace) -> None:
    assert describe(workspace, "grounded") == Parts(
        "grounded",
        TINY,
        system="Be brief.",
        knowledge="laws",
        top_k=2,
        quant="q6_k",
        sampling=Sampling(temperature=0.5),
        prompt="prompts/base.md",
        prompt_sha256=sha256_of_text("Be brief."),
    )


def test_without_a_name_the_default_variant_is_meant(workspace: Workspace) -> None:
    parts = describe(workspace)

    assert (parts.name, parts.top_k, parts.knowledge) == ("base", DEFAULT_PASSAGES, "docs")


def test_without_a_default_a_name_is_asked_for(workspace: Workspace) -> None:
    workspace.paths.settings.write_text(SETTINGS.replace('variant = "base"', ""), encoding="utf-8")

    with pytest.raises(UsageError, match="Which variant"):
        describe(Workspace(workspace.root))


@pytest.mark.parametrize("reference", ["brave-fox", "bra", "last"])
def test_a_training_run_is_its_adapter_on_its_base_asked_as_it_was_trained(
    workspace: Workspace, reference: str
) -> None:
    run = lay_run(workspace, "brave-fox")

    assert describe(workspace, reference) == Parts(
        reference,
        TINY,
        adapter=adapter_folder(run.path),
        system="Trained so.",
        template="{prompt} -> {completion}",
        quant="q8_0",
        run_id="brave-fox",
    )


def test_a_kept_adapter_goes_by_its_name(workspace: Workspace) -> None:
    kept = lay_adapter(workspace.paths.adapters / "good", "brave-fox")

    parts = describe(workspace, "good")

    assert (parts.adapter, parts.model, parts.run_id) == (kept, TINY, "brave-fox")


def test_an_export_run_stands_for_what_it_exported(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")
    lay_run(workspace, "calm-owl", "export", source="brave-fox")

    assert describe(workspace, "calm-owl").run_id == "brave-fox"


def test_a_variant_with_an_adapter_needs_no_model(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")

    parts = describe(workspace, "tuned")

    assert (parts.name, parts.model, parts.system, parts.run_id) == (
        "tuned",
        TINY,
        "Trained so.",
        "brave-fox",
    )


def test_a_prompt_of_the_variant_goes_before_that_of_the_training(workspace: Workspace) -> None:
    workspace.config.variants["tuned"].prompt = "prompts/base.md"
    lay_run(workspace, "brave-fox")

    assert describe(workspace, "tuned").system == "Be brief."


@pytest.mark.parametrize("reference", ["tiny", "builtin:tiny", str(TINY)])
def test_a_model_goes_by_name_and_by_path(workspace: Workspace, reference: str) -> None:
    assert describe(workspace, reference) == Parts(reference, TINY, quant="q8_0")


def test_a_path_starts_at_the_workspace(workspace: Workspace) -> None:
    (workspace.root / "base.gguf").write_bytes(b"GGUF")

    assert describe(workspace, "base.gguf").model == workspace.root / "base.gguf"


def test_adapter_files_are_put_on_from_the_workspaces_folder(workspace: Workspace) -> None:
    base = workspace.config.variants["base"]
    base.adapters = [GgufAdapter("exports/polite.gguf", 0.5)]

    with pytest.raises(MissingError, match="adapter file is not there"):
        describe(workspace, "base")

    file = workspace.root / "exports" / "polite.gguf"
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    assert describe(workspace, "grounded").adapters == [GgufAdapter(str(file), 0.5)]


def test_what_an_adapter_file_holds_and_how_much_of_it_is_put_on_makes_another_variant(
    workspace: Workspace,
) -> None:
    file = workspace.root / "polite.gguf"
    hashes = []
    for content, scale in ((b"GGUF1", 1.0), (b"GGUF2", 1.0), (b"GGUF2", 0.5)):
        file.write_bytes(content)
        adapters = [GgufAdapter(str(file), scale)]
        hashes.append(identity_of(workspace, ResolvedVariant("v", "", adapters=adapters)))
    moved = file.rename(workspace.root / "other.gguf")
    assert (
        identity_of(workspace, ResolvedVariant("v", "", adapters=[GgufAdapter(str(moved), 0.5)]))
        == hashes[-1]
    )

    assert len(set(hashes)) == 3


def test_an_unknown_name_is_answered_with_what_there_is(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="Nothing here is called 'bsae'") as caught:
        describe(workspace, "bsae")

    assert "(base, grounded, tuned, tiny)" in caught.value.happened


def test_a_path_to_nothing_is_missing(workspace: Workspace) -> None:
    with pytest.raises(MissingError, match="The model is not there"):
        describe(workspace, "models/gone")


def test_a_prefix_of_several_runs_is_told_so(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")
    lay_run(workspace, "brave-owl")

    with pytest.raises(UsageError, match=r"More than one run fits: 'brave' fits brave-owl, brave-fox\."):
        describe(workspace, "brave")


def test_a_damaged_passport_is_told_as_such(workspace: Workspace) -> None:
    folder = lay_adapter(workspace.paths.adapters / "good", "brave-fox")
    (folder / PASSPORT).write_text("{")

    with pytest.raises(UsageError, match="The adapter's passport is damaged"):
        describe(workspace, "good")


def test_a_variant_of_nothing_is_refused(workspace: Workspace) -> None:
    workspace.config.variants["tuned"].adapter = None

    with pytest.raises(UsageError, match="Variant 'tuned' names no model"):
        describe(workspace, "tuned")


def test_a_prompt_file_in_another_encoding_is_named(workspace: Workspace) -> None:
    (workspace.root / "latin.md").write_bytes("Café".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.md: byte 0xe9 at 3"):
        read_prompt(workspace, "latin.md")


def test_a_missing_prompt_file_is_named(workspace: Workspace) -> None:
    (workspace.root / "prompts" / "base.md").unlink()

    with pytest.raises(MissingError, match=r"The prompt file is not there: .*prompts/base\.md"):
        describe(workspace, "base")


def test_a_large_model_runs_in_four_bits_where_nobody_chose(workspace: Workspace) -> None:
    large = workspace.root / "large"
    shutil.copytree(TINY, large)
    header = json.dumps({"w": {"dtype": "F32", "shape": [LARGE], "data_offsets": [0, 0]}}).encode()
    (large / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)

    assert default_quant(large) == "q4_k_m"
    assert default_quant(TINY) == "q8_0"
    assert default_quant(workspace.root / "gone") == "q8_0"


@pytest.mark.parametrize(
    ("name", "own", "knowledge"),
    [
        ("base", None, "docs"),
        ("base", "laws", "laws"),
        ("grounded", "laws", "laws"),
        ("tuned", None, None),
        ("tiny", None, None),
    ],
)
def test_the_default_knowledge_base_goes_with_the_default_variant_only(
    workspace: Workspace, name: str, own: str | None, knowledge: str | None
) -> None:
    assert knowledge_of(workspace, name, own) == knowledge
