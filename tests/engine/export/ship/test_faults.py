"""On every family: what a file says wrongly of itself is blocked with that fault's own reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.export.ship.asked import Material
from engine.export.ship.check import ship_check
from engine.inference.llama import Model
from store.records.exports import ShipCheck
from tests.engine.export.ship.stage import TEMPLATE, Exported, planted

pytestmark = pytest.mark.training


@pytest.fixture
def blocked(exported: Exported, few: Material, tmp_path: Path) -> Any:
    """The first reason why a file with planted faults is blocked."""

    def check(**faults: Any) -> str:
        file = planted(exported.file, tmp_path / "m.gguf", **faults)
        found: ShipCheck = ship_check([(file, "f32")], exported.directory, exported.adapter, few)[0]
        assert found.verdict == "BLOCK"
        return found.reasons[0]

    return check


def test_a_copy_without_a_fault_ships(exported: Exported, few: Material, tmp_path: Path) -> None:
    file = planted(exported.file, tmp_path / "m.gguf")
    found = ship_check([(file, "f32")], exported.directory, exported.adapter, few)[0]
    assert (found.verdict, found.reasons) == ("SHIP", [])


def test_a_wrong_template_is_shown_by_the_first_token_that_differs(blocked: Any) -> None:
    other = TEMPLATE.replace("message['role'] + '\\n'", "message['role'] + ': '")
    reason = blocked(changed={"tokenizer.chat_template": other})
    assert reason.startswith(
        "The chat template in the file is not the model's own: '<|endoftext|><|im_start|>"
    )
    assert "from token" in reason


def test_a_double_bos_by_the_tokenizer_is_named(blocked: Any) -> None:
    reason = blocked(changed={"tokenizer.ggml.add_bos_token": True})
    assert reason.startswith("A prompt begins with BOS twice: the chat template writes it")


def test_a_double_bos_by_the_template_is_named(blocked: Any) -> None:
    reason = blocked(changed={"tokenizer.chat_template": "{{ bos_token }}" + TEMPLATE})
    assert reason.endswith("it writes <|endoftext|> twice.")


def test_a_missing_eos_is_named(blocked: Any) -> None:
    assert blocked(drop=["tokenizer.ggml.eos_token_id"]).startswith("EOS is missing: no token ends a text")


def test_another_eos_is_named(blocked: Any) -> None:
    assert blocked(changed={"tokenizer.ggml.eos_token_id": 70}).startswith("EOS is missing: ")


def test_another_tokenizer_is_named(blocked: Any, exported: Exported) -> None:
    model = Model(exported.file, vocabulary_only=True)
    spelled = [model.token_text(token) for token in range(model.vocabulary_size)]
    model.close()
    plain = spelled[3:]
    reason = blocked(changed={"tokenizer.ggml.tokens": [*spelled[:3], *plain[1:], plain[0]]})
    assert reason.startswith("The file has another tokenizer than the model: token ")
