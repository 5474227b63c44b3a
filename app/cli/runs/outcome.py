"""What a training run gained and lost, and what it left to be read, as its page and its end show it."""

from __future__ import annotations

from typing import TypeVar

import click
import msgspec

from app.cli.output import say
from app.words import cut
from store.records.adapters import AdapterPassport
from store.records.batch import FirstBatch, Sample, Samples
from store.records.outcome import Change, Outcome, QuantisationCost
from store.records.runs import RunView
from store.runs import RunFolder

T = TypeVar("T", bound=msgspec.Struct)
FILES = ("first_batch", "samples")
TEXT_WIDTH = 100


def paths(folder: RunFolder, view: RunView) -> dict[str, str | None]:
    """Where the first batch and the samples lie, None for what the run did not leave."""
    made = {one.type: str(folder.path / one.path) for one in view.artifacts}
    return {name: made.get(name) for name in FILES}


def facts(view: RunView) -> list[tuple[str, object]]:
    """The outcome of a training run in a few lines; none where nothing was measured."""
    lines: list[tuple[str, object]] = []
    if raw := view.result.get("outcome"):
        outcome = msgspec.convert(raw, Outcome)
        if outcome.task is not None:
            lines.append(("held-out", change_text(outcome.task)))
        if outcome.task is not None and outcome.task.before.preferred is not None:
            before, after = outcome.task.before.preferred, outcome.task.after.preferred or 0.0
            lines.append(("preferred", f"{before:.0%} of pairs before, {after:.0%} now"))
        if outcome.general is not None:
            lines.append(("general", f"{change_text(outcome.general)} ({outcome.general_set})"))
        lines.append(("measuring", f"{outcome.seconds:.1f} s"))
    if raw := view.result.get("quantisation"):
        from engine.training.quantisation import words

        lines.append(("4 bits", words(msgspec.convert(raw, QuantisationCost))))
    return lines


def change_text(found: Change) -> str:
    """Loss and hits before and behind, on how many rows."""
    before, after = found.before, found.after
    error = "" if found.loss_error is None else f" \u00b1 {found.loss_error:.3f}"
    return (
        f"loss {before.loss:.3f} before, {after.loss:.3f} now ({found.loss:+.3f}{error}), "
        f"{before.accuracy:.0%} and {after.accuracy:.0%} of tokens hit, {before.rows} rows"
    )


def print_remarks(view: RunView) -> None:
    """What is to be read from the figures."""
    raw = view.result.get("outcome")
    for remark in msgspec.convert(raw, Outcome).remarks if raw else []:
        colour = "yellow" if remark.level == "warn" else None
        say(click.style(remark.title, fg=colour, bold=True))
        say(f"  {remark.text}")


def read_facts(folder: RunFolder, view: RunView) -> list[tuple[str, object]]:
    """The first batch, what was forgotten, and the hardest held-out row, short."""
    found = paths(folder, view)
    lines: list[tuple[str, object]] = []
    batch = read(found["first_batch"], FirstBatch)
    if batch is not None:
        how = "packed in one row" if batch.packed else f"padded to {batch.shape[1]}"
        lines.append(
            (
                "first batch",
                f"{len(batch.rows)} rows {how}, {batch.tokens:,} tokens, {batch.trained:,} with loss",
            )
        )
    lines += forgetting_facts(folder)
    samples = read(found["samples"], Samples)
    if samples is not None:
        lines += [("hardest", sample_text(one)) for one in samples.worst[:1]]
        lines += [("easiest", sample_text(one)) for one in samples.best[:1]]
    return lines


def forgetting_facts(folder: RunFolder) -> list[tuple[str, object]]:
    """What the forgetting pack found, as the passport of what was trained says it; and what helps."""
    for made in ("adapter", "model"):
        passport = read(str(folder.artifacts / made / "passport.json"), AdapterPassport)
        if passport is not None and (found := passport.forgetting) is not None:
            helps = [("what helps", "; ".join(found.remedy))] if found.remedy else []
            return [("forgetting", found.headline), *helps]
    return []


def sample_text(one: Sample) -> str:
    """A held-out row: its loss, and the end of the question with the answer."""
    return f"line {one.line}, loss {one.loss:.2f}: {cut(one.prompt[-60:] + ' ' + one.answer, TEXT_WIDTH)}"


def read(path: str | None, kind: type[T]) -> T | None:
    """What a run left in a file; None where it is not there any more."""
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
