"""The ship check of a trained model and of a real one: what ships, what warns, what is blocked, and why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.export import convert, vocabulary
from engine.export.convert import to_gguf
from engine.export.material import material_for
from engine.export.quantise import quantise
from engine.export.ship.asked import Material
from engine.export.ship.check import NO_SUITE, ship_check, worst
from engine.export.tolerances import MERGE_GAP, TOLERANCES, tolerance_of
from engine.export.vocabulary import Vocabulary
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import load_tokenizer
from store.errors import UsageError
from store.records.evals import Check as EvalCheck
from store.records.exports import ShipCheck
from tests.bases import ANSWERS, EXAMPLES, altered, recipe
from tests.engine.conftest import Trained
from tests.engine.export.ship.stage import exam_on, material_of
from tests.engine.export.test_merge import changed
from tests.ggufs import stories, stories_f32

pytestmark = pytest.mark.training

Check = Callable[..., ShipCheck]


@pytest.fixture(scope="module")
def material(micro: Path) -> Material:
    return material_of(ModelDirectory(micro))


@pytest.fixture(scope="module")
def check(trained: Trained, material: Material) -> Check:
    """The check of one file of the trained small model."""

    def run(file: Path, kind: str = "f32") -> ShipCheck:
        return ship_check([(file, kind)], ModelDirectory(trained.base), trained.adapter, material)[0]

    return run


@pytest.fixture(scope="module")
def story_material() -> Material:
    made = material_for(ModelDirectory(stories()), "", "", [], [])
    made.exam = exam_on(ModelDirectory(stories()), template="{prompt}{completion}")
    return made


def test_an_untouched_export_ships(merged_f32: Path, check: Check) -> None:
    found = check(merged_f32)
    assert (found.verdict, found.reasons) == ("SHIP", [])
    assert (found.token_ids_equal, found.greedy_agreement, found.top1_agreement) == (1.0, 1.0, 1.0)
    assert (found.prompts, found.stops) == (len(EXAMPLES), True)
    assert found.tokens >= 2 * len(EXAMPLES)  # its own answers and those of the rows
    assert found.positions == found.tokens
    assert found.kl_mean is not None
    assert 0 < found.kl_mean < 1e-4
    assert (found.suite, found.suite_cases, found.suite_score) == ("answers", 4, 1.0)
    assert found.texts > 200
    assert found.reference == "base + adapter, float32, cpu"


def test_its_eight_bit_version_ships_too(merged_f32: Path, check: Check, tmp_path: Path) -> None:
    assert check(quantise(merged_f32, tmp_path / "q8.gguf", "q8_0"), "q8_0").verdict == "SHIP"


def test_a_real_model_ships_without_an_adapter(story_material: Material, tmp_path: Path) -> None:
    q8 = quantise(stories_f32(), tmp_path / "q8.gguf", "q8_0")
    heard: list[int] = []
    files = [(stories_f32(), "f32"), (q8, "q8_0")]
    exact, rounded = ship_check(files, ModelDirectory(stories()), None, story_material, heard.append)
    assert (exact.verdict, rounded.verdict) == ("SHIP", "SHIP")
    assert exact.greedy_agreement == 1.0
    assert 0.95 < rounded.top1_agreement <= 1.0
    assert heard == list(range(1, 2 * story_material.steps + 1))


def test_an_adapter_that_is_not_in_the_file_is_blocked(
    check: Check, micro_gguf: tuple[Path, list[int]]
) -> None:
    found = check(micro_gguf[0])
    assert found.verdict == "BLOCK"
    assert found.reasons[0] == "The adapter is not applied: the file answers like the base without it."
    assert found.token_ids_equal == 1.0


def test_an_adapter_of_another_strength_is_blocked(
    trained: Trained, merged_f32: Path, material: Material, tmp_path: Path
) -> None:
    weak = changed(trained.adapter, tmp_path / "weak", lora_alpha=8)  # the file has twice as much
    found = ship_check([(merged_f32, "f32")], ModelDirectory(trained.base), weak, material)[0]
    assert found.verdict == "BLOCK"
    assert "as if the adapter were twice as strong" in found.reasons[0]
    assert any("answer tokens are the trained model's, first token" in reason for reason in found.reasons)


def test_another_chat_template_is_blocked(
    trained: Trained, merged_f32: Path, material: Material, tmp_path: Path
) -> None:
    other = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    base = altered(trained.base, tmp_path / "m", "tokenizer_config.json", chat_template=other)
    found = ship_check([(merged_f32, "f32")], ModelDirectory(base), trained.adapter, material)[0]
    assert found.verdict == "BLOCK"
    assert found.reasons[0].startswith("The chat template in the file is not the model's own: '<|im_start|>")
    assert "from token 0 on" in found.reasons[0]


def test_joining_tokens_in_the_wrong_order_is_blocked(
    story_material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = vocabulary.read_vocabulary

    def reversed_scores(directory: Path, size: int) -> Vocabulary | None:
        found = read(directory, size)
        assert found is not None
        found.scores = [-score for score in found.scores]
        return found

    monkeypatch.setattr(convert, "read_vocabulary", reversed_scores)
    file = to_gguf(stories(), tmp_path / "m.gguf")
    found = ship_check([(file, "f32")], ModelDirectory(stories()), None, story_material)[0]
    assert found.verdict == "BLOCK"
    assert found.token_ids_equal < 0.9
    assert "become other tokens than in training" in found.reasons[0]


def rewritten(source: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of a model directory with texts of its JSON files replaced."""
    shutil.copytree(source, folder)
    for file in folder.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return folder


def test_a_missing_bos_and_a_stop_token_that_does_not_stop_are_blocked(
    story_material: Material, tmp_path: Path
) -> None:
    # llama.cpp knows </s> by its text, whatever a file says: a name of our own it can only know from the file
    own = rewritten(stories(), tmp_path / "own", ("</s>", "<fin>"))
    faults = (('"eos_token_id": 2', '"eos_token_id": 0'), ('"eos_token": "<fin>"', '"eos_token": "<unk>"'))
    folder = altered(
        rewritten(own, tmp_path / "f", *faults), tmp_path / "m", "tokenizer.json", post_processor=None
    )
    file = to_gguf(folder, tmp_path / "m.gguf")
    found = ship_check([(file, "f32")], ModelDirectory(own), None, story_material)[0]
    assert (found.verdict, found.stops) == ("BLOCK", False)
    reasons = "\n".join(found.reasons)
    assert "These should end an answer and do not in this file: <fin>." in reasons
    assert "20 prompts become other tokens than in training" in reasons


def test_a_file_of_another_model_is_blocked(check: Check) -> None:
    found = check(stories_f32())
    assert found.verdict == "BLOCK"
    assert any("tokens, the model" in reason for reason in found.reasons)
    assert found.tokens == 0


def test_what_was_not_at_hand_is_a_warning(merged_f32: Path, trained: Trained, material: Material) -> None:
    lacking = Material(material.texts, material.questions[:1], notes=["No rows."])
    found = ship_check([(merged_f32, "f32")], ModelDirectory(trained.base), trained.adapter, lacking)[0]
    assert (found.verdict, found.reasons) == ("WARN", [NO_SUITE, "No rows."])


def test_nothing_to_compare_on_is_an_error(merged_f32: Path, micro: Path) -> None:
    with pytest.raises(UsageError, match="Nothing to check"):
        ship_check([(merged_f32, "f32")], ModelDirectory(micro), None, Material([], []))


def test_material_is_what_training_wrote(micro: Path, material: Material) -> None:
    prompt = "<|im_start|>user\nQuestion number 3?<|im_end|>\n<|im_start|>assistant\n"
    question = next(one for one in material.questions if one.prompt == prompt)
    tokenizer = load_tokenizer(ModelDirectory(micro).tokenizer_file)
    assert tokenizer.decode(question.answer, skip_special_tokens=False) == f"{ANSWERS[3]}<|im_end|>"
    answer = EXAMPLES[3].messages[-1].content
    assert any(text.endswith(f"assistant\n{answer}<|im_end|>\n") for text in material.texts)
    assert material.answer_ends == [ModelDirectory(micro).config["eos_token_id"]]


def test_a_merge_is_no_finer_than_the_bases_own_type() -> None:
    assert tolerance_of("f32", "bfloat16") == TOLERANCES["bf16"]
    assert tolerance_of("f32", "float32") == TOLERANCES["f32"]
    assert tolerance_of("q4_0", "bfloat16") == TOLERANCES["q4_0"]


def test_the_hardest_verdict_decides_then_the_least_agreement() -> None:
    checks = [
        ShipCheck("SHIP", top1_agreement=0.5),
        ShipCheck("WARN", top1_agreement=0.9),
        ShipCheck("WARN", top1_agreement=0.8),
    ]
    assert worst(checks) is checks[2]


def test_the_gap_to_a_four_bit_base_is_shown_and_does_not_block(
    trained: Trained, merged_f32: Path, material: Material
) -> None:
    files = [(merged_f32, "f32")]
    four_bit = recipe(method="qlora")
    found = ship_check(files, ModelDirectory(trained.base), trained.adapter, material, trained_with=four_bit)[
        0
    ]
    assert found.verdict != "BLOCK"
    assert found.trained_reference == "base + adapter, NF4, cpu"
    assert found.trained_kl is not None
    assert found.kl_mean is not None
    assert found.trained_kl > 100 * found.kl_mean
    assert found.trained_top1 is not None
    assert any("The merge left the model" in reason for reason in found.reasons) == (
        found.trained_kl > TOLERANCES["f32"].kl_mean[0] + MERGE_GAP
    )


def test_a_suite_on_which_the_file_is_surely_worse_blocks_it(
    trained: Trained, micro_gguf: tuple[Path, list[int]], material: Material
) -> None:
    exam = exam_on(ModelDirectory(trained.base), EvalCheck("exact"), times=2)  # four could be chance
    asked = msgspec.structs.replace(material, exam=exam)
    found = ship_check([(micro_gguf[0], "f32")], ModelDirectory(trained.base), trained.adapter, asked)[0]
    assert (found.suite, found.suite_cases) == ("answers", 8)
    assert (found.suite_score, found.suite_reference) == (0.0, 1.0)
    assert found.suite_high is not None
    assert found.suite_high < 0
    assert any(reason.startswith("On answers the file scores 0.0%") for reason in found.reasons)
