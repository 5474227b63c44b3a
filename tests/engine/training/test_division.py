"""A step's rows over several processes: who does what, and what is refused before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from engine.training.division import check_launch, divided, in_words, of_processes, step_rows, without_choice
from store.errors import UsageError
from store.records.recipe import Recipe


def titles(processes: int, cards: int = 0, **changes: Any) -> list[str]:
    return [problem.title for problem in of_processes(Recipe(**changes), processes, cards)]


@pytest.mark.parametrize(
    ("batch", "passes", "processes", "becomes"),
    [
        (2, 4, 2, (2, 4)),  # whole passes are dealt out
        (8, 1, 2, (4, 2)),  # one pass for all: it is cut
        (6, 3, 2, (3, 6)),  # nine rows each, in passes of at most six
        (4, 3, 4, (3, 4)),
        (1, 6, 3, (1, 6)),
    ],
)
def test_every_process_does_as_many_passes_and_a_step_keeps_its_rows(
    batch: int, passes: int, processes: int, becomes: tuple[int, int]
) -> None:
    recipe = Recipe(batch_size=batch, gradient_accumulation=passes)
    found = divided(recipe, processes)
    assert (found.batch_size, found.gradient_accumulation) == becomes
    assert step_rows(found) == step_rows(recipe)
    assert found.gradient_accumulation % processes == 0
    assert divided(found, processes) == found


def test_who_does_what_is_said_in_words() -> None:
    said = in_words(divided(Recipe(batch_size=8), 2), 2)
    assert said == (
        "2 processes, each with 1 of the 2 passes of a step, 4 rows in a pass: 8 rows a step, "
        "as with one process"
    )


def test_rows_that_cannot_be_divided_are_refused_with_the_next_number_that_can() -> None:
    (problem,) = of_processes(Recipe(batch_size=2, gradient_accumulation=4), 3, 0)
    assert problem.title == "A step of 8 rows cannot be divided over 3 processes"
    assert "gradient_accumulation = 6 (12 rows a step)" in problem.remedy


def test_one_process_is_never_refused() -> None:
    assert titles(1, objective="kto", compile=True, batch_size=7) == []


@pytest.mark.parametrize(
    ("changes", "said"), [({"objective": "kto"}, "kto trains in one process"), ({"compile": True}, "compile")]
)
def test_what_would_learn_something_else_or_was_never_tried_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    (title,) = titles(2, **changes)
    assert title.startswith(said)


def test_everything_that_needs_whole_weights_is_refused_on_gpus_alone() -> None:
    changes: dict[str, Any] = {"optimiser": "paged_adamw_8bit", "offload": "activations", "eval_every": 10}
    assert titles(4, **changes) == []
    assert titles(4, cards=2, **changes) == [
        "There are no 4 GPUs",
        "paged_adamw_8bit cannot be divided over GPUs",
        "Offloading activations is for one process",
        "The best weights cannot be kept while they are divided over GPUs",
    ]


def test_what_is_left_to_auto_becomes_what_can_be_divided_over_gpus() -> None:
    recipe = Recipe()
    assert without_choice(recipe, 0) == recipe
    found = without_choice(recipe, 2)
    assert (found.optimiser, found.offload) == ("adamw", "none")
    assert list(of_processes(found, 2, 2)) == []


@pytest.mark.parametrize(
    ("launcher", "processes", "sweep", "said"),
    [
        ("torchrun", 2, False, "No such launcher"),
        ("accelerate", 1, False, "belong together"),
        ("", 2, False, "belong together"),
        ("accelerate", 2, True, "A sweep trains in one process"),
    ],
)
def test_options_of_a_launch_that_do_not_fit_are_refused(
    launcher: str, processes: int, sweep: bool, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        check_launch(launcher, processes, sweep)


@pytest.mark.parametrize(("launcher", "processes", "sweep"), [("accelerate", 2, False), ("", 1, True)])
def test_options_of_a_launch_that_fit_pass(launcher: str, processes: int, sweep: bool) -> None:
    check_launch(launcher, processes, sweep)
