"""`temper export --ladder`: which types are tried, measuring them side by side, and which file is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.export.convert import native_type
from engine.export.ladder import LADDER, climb
from engine.export.quantise import BITS, IMPORTANCE_TYPES
from engine.jobs import mixing
from engine.jobs.calibration import Calibration
from engine.jobs.context import JobContext
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store.records.exports import Mix, ShipCheck
from store.records.ladders import Ladder
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.ship.asked import Material


def types_for(workspace: Workspace, parts: Parts, mix: Mix | None, asked: Sequence[str]) -> list[str]:
    """The types to try, the most exact first: those `asked` for, else the base's own and what is below it.

    IQ types need rows of the run's own to be measured on; where there are none they are left out.
    """
    base = ModelDirectory(parts.model)
    native = native_type(base)
    kinds = list(asked) or [native, *LADDER]
    trained_on = mixing.trained_on(workspace, mix, parts)
    if not asked and not Calibration(workspace, base, parts, trained_on).has_rows():
        kinds = [kind for kind in kinds if kind not in IMPORTANCE_TYPES]
    return sorted(kinds, key=lambda kind: (-BITS[kind], kind != native))


def measure(
    context: JobContext,
    base: ModelDirectory,
    made: Mapping[str, Path],
    checks: Sequence[ShipCheck],
    material: Material,
) -> Ladder:
    """Every file in a process of its own, on the questions and answers of the ship check."""
    from engine.models.tokenizer import encode_prompt, load_tokenizer

    tokenizer, bos = load_tokenizer(base.tokenizer_file), base.special_token("bos_token")
    ids = [encode_prompt(tokenizer, question.prompt, bos) for question in material.questions]
    pairs = zip(ids, material.questions, strict=True)
    answers = [(prompt, question.answer) for prompt, question in pairs if question.answer]
    meter = context.progress("measure types", len(made))
    files = [(file, kind) for kind, file in made.items()]
    return climb(files, checks, ids, answers, meter.advance, context.check_stop)


def kept(ladder: Ladder) -> str:
    """The type whose file is kept: the smallest within tolerance; where there is none, the most exact."""
    return ladder.smallest or ladder.rungs[0].type
