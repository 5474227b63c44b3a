"""Rows that a run is tried on before and behind it: a part of the held-out ones, a general set.

What is drawn depends on the data and the recipe alone, so a run that goes on is tried on the same rows. Knows
no model: what the rows are worth is found by engine.training.scoring.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from engine.data.ensure import ensure_dataset
from engine.data.rendering import Renderer, Row
from engine.models.directory import ModelDirectory
from engine.training.data import GeneralSet, TrainingData
from engine.training.reading import heldout_reference, render
from store import datasets
from store.errors import UsageError
from store.records.data import Example, Message
from store.records.recipe import Recipe
from store.workspace import Workspace

BUILTIN = "builtin"
FILE = Path(__file__).parent / "general" / "rows.jsonl"
SHARE = 0.05
"""Of the tokens that a run trains, so many are tried before and as many behind it: a pass without a gradient
takes about a third of a trained one, so both together take some 3% of the time..."""
LEAST_TOKENS, MOST_TOKENS = 1024, 16_384
"""...within these bounds."""
LEAST_PAIRED_TOKENS = 4096
"""The lower bound of preferences: a share of pairs needs more of them than a mean over tokens does."""
MOST_ROWS = 512
"""Held-out rows that are rendered for this alone."""
COMPARED_TOKENS = 2048
"""What the base in 4 bits is compared with itself in 16 on; however long the run, so that it is done once."""
GENERAL_TOKENS = 4096
"""Of a general set of one's own; the one that ships has fewer."""


class GeneralRow(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the shipped set: a chat or a text."""

    kind: str
    messages: list[Message] = []
    text: str = ""


def add_trial(
    workspace: Workspace, base: ModelDirectory, renderer: Renderer, recipe: Recipe, data: TrainingData
) -> None:
    """Put into `data` what the run is tried on. `recipe` says how many steps it has (levers.with_steps).

    Raises UsageError where a general dataset is named that is not there.
    """
    whole, rows = held_out(workspace, renderer, recipe, data)
    if whole is not None:
        step_rows = recipe.batch_size * recipe.gradient_accumulation
        trained = sum(data.lengths) / len(data.lengths) * step_rows * recipe.max_steps
        least = LEAST_PAIRED_TOKENS if data.rejected or data.desirable else LEAST_TOKENS
        data.tried = drawn(whole, min(MOST_TOKENS, max(least, round(SHARE * trained))))
        data.tried_of = rows
    data.compared = compared(whole, data)
    data.compared_from = "held-out rows" if whole else "training rows that nothing was trained on yet"
    data.general = general_set(workspace, base, recipe)


def compared(whole: TrainingData | None, data: TrainingData) -> list[Row]:
    """What the base in 4 bits is compared with itself in 16 on: rows held out, or else of those to train."""
    return pairs_of(drawn(whole or data, COMPARED_TOKENS))[0]


def held_out(
    workspace: Workspace, renderer: Renderer, recipe: Recipe, data: TrainingData
) -> tuple[TrainingData | None, int]:
    """Rows that are held out, also where the run does not evaluate on them, and how many there are in all.

    Where they are not rendered yet, MOST_ROWS of them are. None where nothing is held out.
    """
    if data.heldout is not None:
        return data.heldout, len(data.heldout.rows)
    asked = msgspec.structs.replace(recipe, eval_every=recipe.eval_every or recipe.max_steps)
    try:
        reference = heldout_reference(workspace, asked)
        if not reference:
            return None, 0
        ensure_dataset(workspace, reference)
        examples = datasets.read_rows(workspace.paths, reference)
        first = sorted(examples, key=lambda example: rank(example.line))[:MOST_ROWS]
        return render(renderer, sorted(first, key=lambda example: example.line), recipe)[0], len(examples)
    except UsageError:
        return None, 0


def rank(line: int, part: int = 0) -> bytes:
    """Where a source line, or a part of one, stands in the order that rows are drawn in: the same in any set
    of rows that it is in.
    """
    return hashlib.blake2b(f"{line}/{part}".encode(), digest_size=8).digest()


def drawn(whole: TrainingData, tokens: int) -> TrainingData:
    """At least one row and at most about `tokens` tokens of `whole`, by their rank, in their own order.

    kto's two endings of a preference come together.
    """
    lengths = whole.lengths
    groups: dict[tuple[int, int], list[int]] = {}
    parts: Counter[int] = Counter()
    for at, row in enumerate(whole.rows):
        part = 0 if whole.desirable else parts[row.line]
        parts[row.line] += 1
        groups.setdefault((row.line, part), []).append(at)
    chosen: list[int] = []
    held = 0
    for _, group in sorted(groups.items(), key=lambda one: rank(*one[0])):
        held += sum(lengths[at] for at in group)
        if chosen and held > tokens:
            break
        chosen += group
    chosen.sort()
    return TrainingData(
        [whole.rows[at] for at in chosen],
        [whole.rejected[at] for at in chosen] if whole.rejected else [],
        [whole.desirable[at] for at in chosen] if whole.desirable else [],
    )


def pairs_of(tried: TrainingData) -> tuple[list[Row], list[Row]]:
    """The answers that are wanted, and those that are not where each wanted one has its own beside it.

    Of unpaired answers the desirable ones; they are pairs where each source line holds one of either.
    """
    if not tried.desirable:
        return tried.rows, tried.rejected
    wanted = [row for row, good in zip(tried.rows, tried.desirable, strict=True) if good]
    bad = {row.line: row for row, good in zip(tried.rows, tried.desirable, strict=True) if not good}
    paired = len({row.line for row in wanted}) == len(wanted) and all(row.line in bad for row in wanted)
    return wanted, [bad[row.line] for row in wanted] if paired else []


def general_set(workspace: Workspace, base: ModelDirectory, recipe: Recipe) -> GeneralSet | None:
    """The recipe's general set as `base` writes it, without the task's own prompt; None without any row.

    Rows that cannot be written for the base (a chat where it has no chat template) are left out.
    """
    if not recipe.general:
        return None
    renderer = Renderer(base, recipe.template, "")
    if recipe.general == BUILTIN:
        named, most = list(shipped()), None
    else:
        ensure_dataset(workspace, recipe.general)
        examples = datasets.read_rows(workspace.paths, recipe.general)
        order = random.Random(0).sample(range(len(examples)), len(examples))
        named, most = [(recipe.general, examples[at]) for at in order], GENERAL_TOKENS
    found = GeneralSet(recipe.general, [], [])
    held = 0
    for kind, example in named:
        row = renderer.row(example, recipe.max_length)
        held += len(row.input_ids)
        if most is not None and found.rows and held > most:
            break
        if row.trained:
            found.rows.append(row)
            found.kinds.append(kind)
    return found if found.rows else None


def shipped() -> Iterator[tuple[str, Example]]:
    """The rows that ship with Temper, each with its kind."""
    for number, line in enumerate(FILE.read_bytes().splitlines()):
        row = msgspec.json.decode(line, type=GeneralRow)
        yield row.kind, Example(f"general-{number}", number + 1, row.messages, text=row.text)


def digest(rows: Sequence[Row]) -> str:
    """Which rows these are, as the model sees them: a sha256 over ids and labels."""
    return hashlib.sha256(msgspec.msgpack.encode([(row.input_ids, row.labels) for row in rows])).hexdigest()
