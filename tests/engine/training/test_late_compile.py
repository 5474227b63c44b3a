"""Training is imported without torch's compiler; what needs it is compiled when it is called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.training.late_compile import later
from tests.contracts.interpreter import modules_after

pytestmark = pytest.mark.training

TRAINING = (
    "import torch\n"
    "real = torch.compile\n"
    "from engine.training import late_compile\n"
    "late_compile.import_bitsandbytes()\n"
    "assert torch.compile is real\n"
    "import engine.training.session, engine.training.objectives.sft\n"
)


def test_training_is_imported_without_the_compiler() -> None:
    loaded = modules_after(TRAINING)
    assert {"bitsandbytes", "peft", "trl"} <= loaded
    assert not loaded & {"torch._inductor.compile_fx", "torch._inductor.lowering"}


def test_a_function_is_compiled_once_when_it_is_first_called_with_its_options() -> None:
    asked: list[dict[str, object]] = []

    def compiler(function: Callable[[int], int], **options: object) -> Callable[[int], int]:
        asked.append(options)
        return lambda value: function(value) + 1

    def double(value: int) -> int:
        return 2 * value

    for made in (later(compiler, double, dynamic=False), later(compiler, dynamic=False)(double)):
        asked.clear()
        assert made.__name__ == "double"
        assert (made(3), made(4)) == (7, 9)
        assert asked == [{"dynamic": False}]
