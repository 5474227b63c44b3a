"""`temper models`, `variants` and `adapters`: only what was seen to exist is written to temper.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.models.builtin import builtin_directory
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import lay_training


def reread() -> Workspace:
    """The workspace as another process would see it now."""
    return Workspace(Path())


def test_a_model_directory_is_looked_at_and_named_from_the_workspace(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(builtin_directory("tiny"), workspace.root / "models" / "mine")
    monkeypatch.chdir(workspace.root / "models")
    card = temper("models", "add", "mine", "mine", "--json").json()
    assert (card["form"], card["architecture"], card["problem"]) == ("directory", "LlamaForCausalLM", "")
    assert card["bytes"] == (builtin_directory("tiny") / "model.safetensors").stat().st_size
    monkeypatch.chdir(workspace.root)
    assert reread().model("mine").path == "models/mine"


def test_a_model_outside_the_workspace_is_named_by_its_whole_path(
    temper: Temper, workspace: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(builtin_directory("tiny"), tmp_path / "elsewhere")
    assert temper("models", "add", "other", "../elsewhere").code == 0
    assert reread().model("other").path == str(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("content", "code", "said"), [(b"GGUF and more", 0, ""), (b"PK zipped", 2, "no GGUF file")]
)
def test_a_gguf_file_is_known_by_its_first_bytes(
    temper: Temper, workspace: Workspace, content: bytes, code: int, said: str
) -> None:
    Path("model.gguf").write_bytes(content)
    ended = temper("models", "add", "ready", "model.gguf")
    assert (ended.code, said in ended.err) == (code, True)
    assert ("ready" in reread().config.models) == (code == 0)


@pytest.mark.parametrize(
    ("name", "path", "code", "said"),
    [
        ("big", "no/such/folder", 3, "does not exist"),
        ("big", "prompts", 3, "config.json"),
        ("big", "builtin:huge", 3, "does not exist"),
        ("tiny", "builtin:tiny", 2, "--replace"),
        ("a/b", "builtin:tiny", 2, "cannot be a name"),
        ("last", "builtin:tiny", 2, "newest run"),
    ],
)
def test_a_model_that_cannot_be_named_is_refused_and_nothing_is_written(
    temper: Temper, workspace: Workspace, name: str, path: str, code: int, said: str
) -> None:
    before = Path("temper.toml").read_bytes()
    ended = temper("models", "add", name, path)
    assert (ended.code, said in ended.err) == (code, True)
    assert Path("temper.toml").read_bytes() == before


def test_a_model_behind_an_api_is_written_with_the_name_of_its_keys_variable(
    temper: Temper, workspace: Workspace
) -> None:
    url = "http://127.0.0.1:8000/v1"
    card = temper("models", "add", "big", url + "/", "--served", "b", "--key", "BIG_KEY", "--json").json()

    assert (card["form"], card["path"], card["architecture"]) == ("remote", url, "b")
    model = reread().model("big")
    assert (model.path, model.url, model.model, model.key) == ("", url, "b", "BIG_KEY")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["https://api.example.com/v1", "--served", "b"], 2, "network = true"),
        (["http://127.0.0.1:9/v1"], 1, "The API is not there"),
        (["http://127.0.0.1:9/v1", "--served", "b", "--key", "sk-123"], 2, "--key TEACHER_KEY"),
        (["builtin:tiny", "--served", "b"], 2, "on this machine"),
        (["ftp://127.0.0.1/v1", "--served", "b"], 2, "no address"),
    ],
)
def test_a_model_behind_an_api_that_may_not_be_asked_is_not_written(
    temper: Temper, workspace: Workspace, arguments: list[str], code: int, said: str
) -> None:
    before = Path("temper.toml").read_bytes()
    ended = temper("models", "add", "big", *arguments)
    assert (ended.code, said in ended.err) == (code, True)
    assert Path("temper.toml").read_bytes() == before


def test_a_model_that_has_gone_is_listed_with_its_problem(temper: Temper, workspace: Workspace) -> None:
    workspace.amend("models", "gone", {"path": "no/such/folder"})
    cards = {card["name"]: card for card in temper("models", "list", "--json").json()}
    assert cards["tiny"]["problem"] == ""
    assert "does not exist" in cards["gone"]["problem"]
    ended = temper("models", "list")
    assert "unusable" in ended.out
    assert "gone: " in ended.err


def test_a_variant_is_written_with_its_keys_and_the_comments_stay_where_they_were(
    temper: Temper, workspace: Workspace
) -> None:
    before = Path("temper.toml").read_text(encoding="utf-8")
    ended = temper("variants", "add", "grounded", "--inherits", "base", "--knowledge", "docs", "--top-k", "2")
    assert ended.code == 0
    variant = reread().variant("grounded")
    assert (variant.model, variant.knowledge, variant.top_k) == ("tiny", "docs", 2)
    assert Path("temper.toml").read_text(encoding="utf-8").startswith(before)


def test_a_prompt_named_from_another_folder_is_written_from_the_workspace(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root / "prompts")
    temper("variants", "add", "new", "--model", "tiny", "--prompt", "support.md")
    monkeypatch.chdir(workspace.root)
    assert reread().variant("new").prompt == "prompts/support.md"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--model", "tinny"), 2, "Did you mean 'tiny'?"),
        (("--model", "tiny", "--prompt", "none.md"), 3, "none.md"),
        (("--model", "tiny", "--knowledge", "dogs"), 2, "Did you mean 'docs'?"),
        (("--inherits", "bass"), 2, "Did you mean 'base'?"),
        (("--adapter", "last"), 2, "no train run yet"),
        ((), 2, "names no model"),
    ],
)
def test_a_variant_with_a_part_that_is_not_there_is_refused_and_nothing_is_written(
    temper: Temper, workspace: Workspace, options: tuple[str, ...], code: int, said: str
) -> None:
    before = Path("temper.toml").read_bytes()
    ended = temper("variants", "add", "new", *options)
    assert (ended.code, said in ended.err) == (code, True)
    assert Path("temper.toml").read_bytes() == before


def test_a_variant_is_overwritten_only_when_told_to(temper: Temper, workspace: Workspace) -> None:
    assert temper("variants", "add", "base", "--model", "tiny").code == 2
    assert reread().variant("base").prompt == "prompts/support.md"
    assert temper("variants", "add", "base", "--model", "tiny", "--replace").code == 0
    assert reread().variant("base").prompt is None


def test_variants_are_listed_with_what_they_inherit(temper: Temper, workspace: Workspace) -> None:
    temper("variants", "add", "grounded", "--inherits", "base", "--knowledge", "docs")
    listed = {row["name"]: row for row in temper("variants", "list", "--json").json()}
    assert listed["grounded"]["model"] == "tiny"
    assert (listed["base"]["default"], listed["grounded"]["default"]) == (True, False)


def test_a_variants_page_shows_the_resolved_parts(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    temper("variants", "add", "tuned", "--inherits", "base", "--adapter", "last")
    page = temper("variants", "show", "tuned", "--json").json()
    assert page["model"] == str(builtin_directory("tiny"))
    assert page["adapter"] == str(folder.artifacts / "adapter")
    assert (page["system"], page["run_id"], page["gguf"]) == ("Sort the message.", folder.run_id, None)


def test_a_runs_id_is_shown_like_a_variant(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    assert temper("variants", "show", folder.run_id, "--json").json()["run_id"] == folder.run_id


def test_two_variants_differ_in_the_parts_that_differ_only(temper: Temper, workspace: Workspace) -> None:
    temper("variants", "add", "grounded", "--inherits", "base", "--knowledge", "docs")
    found = temper("variants", "diff", "base", "grounded", "--json").json()
    assert found["differences"] == [{"field": "knowledge", "a": None, "b": "docs"}]


def test_a_difference_names_the_inner_key_and_shows_texts_line_by_line(
    temper: Temper, workspace: Workspace
) -> None:
    Path("prompts/long.md").write_text("Be brief.\nSay why.\n", encoding="utf-8")
    Path("intent.json").write_text('{"enum": ["a", "b"]}', encoding="utf-8")
    temper(
        "variants",
        "add",
        "long",
        "--inherits",
        "base",
        "--prompt",
        "prompts/long.md",
        "--schema",
        "intent.json",
    )
    with Path("temper.toml").open("a", encoding="utf-8") as file:
        file.write("[variants.long.sampling]\ntemperature = 0.5\n")

    found = {
        one["field"]: one
        for one in temper("variants", "diff", "base", "long", "--json").json()["differences"]
    }
    shown = temper("variants", "diff", "base", "long").out

    assert (found["sampling.temperature"]["a"], found["sampling.temperature"]["b"]) == (0.0, 0.5)
    assert (found["output.kind"]["a"], found["output.kind"]["b"]) == (None, "json_schema")
    assert found["output.schema"]["b"] == {"enum": ["a", "b"]}
    assert "+Say why." in found["system"]["lines"]
    assert "sampling.temperature  0.0" in shown
    assert "  +Say why." in shown
    assert "prompt_sha256" not in shown  # the lines say it


def test_an_adapter_that_is_gone_is_named_with_its_variant(temper: Temper, workspace: Workspace) -> None:
    with Path("temper.toml").open("a", encoding="utf-8") as file:
        file.write('[variants.old]\ninherits = "base"\nadapter = "train-20200101-000000-abcd"\n')
    ended = temper("variants", "show", "old")
    assert ended.code == 2
    assert "adapter of variant 'old' is not there" in ended.err
    assert temper("variants", "list").code == 0


def test_few_shot_rows_of_a_dataset_that_is_not_there_are_refused(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper("variants", "add", "shown", "--inherits", "base", "--few-shot", "chatz")
    assert (ended.code, "chatz" in ended.err) == (2, True)
    assert "shown" not in reread().config.variants


def test_an_adapter_that_is_kept_outlives_its_run(temper: Temper, workspace: Workspace) -> None:
    lay_training(workspace)
    assert temper("adapters", "keep", "--as", "good").out.strip() == "adapters/good"
    shutil.rmtree(workspace.paths.derived)
    listed = temper("adapters", "list", "--json").json()
    assert [(one["name"], one["steps"]) for one in listed] == [("good", 3)]
    assert temper("variants", "add", "tuned", "--adapter", "good").code == 0


@pytest.mark.parametrize("name", ["../out", "a/b", "", "last"])
def test_an_adapter_is_kept_inside_adapters_only(temper: Temper, workspace: Workspace, name: str) -> None:
    lay_training(workspace)
    assert temper("adapters", "keep", "last", "--as", name).code == 2
    assert not workspace.paths.adapters.exists()


def test_a_kept_adapter_is_never_overwritten(temper: Temper, workspace: Workspace) -> None:
    lay_training(workspace)
    temper("adapters", "keep", "last", "--as", "good")
    assert temper("adapters", "keep", "last", "--as", "good").code == 2


def test_a_run_without_adapter_has_none_to_keep(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    shutil.rmtree(folder.artifacts)
    assert temper("adapters", "keep").code == 3
