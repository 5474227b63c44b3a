"""Does an adapter GGUF over the base's GGUF answer as the merged file? Files and prompts in, a verdict out.

Says that putting the adapter on is the same as having it merged; what the merged file is worth, its own ship
check says. Everything is read by llama.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.export.tolerances import Tolerance
from engine.inference.llama import Context, Model
from engine.inference.lora import LoraAdapter, put_on
from store.errors import UsageError
from store.records.exports import ShipCheck

ANSWER_TOKENS = 32


def check_adapter(
    base: Path, adapter: Path, merged: Path, prompts: Sequence[Sequence[int]], tolerance: Tolerance
) -> ShipCheck:
    """Greedy answers of base + adapter to `prompts` (ids), every token judged by the merged file.

    A token agrees where the merged file's first choice is less than the tolerance's `tie` above it. Raises
    UsageError without a prompt.
    """
    if not prompts:
        raise UsageError("Nothing to check the adapter on", "There is no prompt.", "Give it some rows.")
    answers = answer(base, adapter, prompts)
    gaps = judge(merged, prompts, answers)
    agreeing = sum(gap < tolerance.tie for gap in gaps) / len(gaps)
    check = ShipCheck(
        "SHIP",
        prompts=len(prompts),
        top1_agreement=agreeing,
        tokens=len(gaps),
        ties=sum(0 < gap < tolerance.tie for gap in gaps),
        reference="base + adapter merged, in llama.cpp",
    )
    if agreeing < tolerance.warn_below:
        check.verdict = "BLOCK" if agreeing < tolerance.block_below else "WARN"
        count = f"Only {agreeing:.1%} of {len(gaps)} answer tokens"
        check.reasons = [f"{count} are those of the merged file; {tolerance.reason}."]
    return check


def answer(base: Path, adapter: Path, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The likeliest tokens behind each prompt, up to a stop token or ANSWER_TOKENS."""
    model = Model(base)
    context = Context(model, max(map(len, prompts)) + ANSWER_TOKENS + 1)
    answers = []
    try:
        put_on(context, [(LoraAdapter(model, adapter), 1.0)])
        for prompt in prompts:
            context.clear()
            context.read(prompt)
            ids = [int(context.logits.argmax())]
            while len(ids) < ANSWER_TOKENS and ids[-1] not in model.stop_ids:
                context.append(ids[-1])
                ids.append(int(context.logits.argmax()))
            answers.append(ids)
    finally:
        context.close()
        model.close()
    return answers


def judge(file: Path, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[float]:
    """For every token of the answers, how far the file's first choice at its place is above it (logits)."""
    model = Model(file)
    context = Context(model, max(map(len, prompts)) + ANSWER_TOKENS + 1)
    gaps = []
    for prompt, ids in zip(prompts, answers, strict=True):
        context.clear()
        context.read(prompt)
        for token in ids:
            logits = context.logits
            gaps.append(float(logits.max() - logits[token]))
            context.append(token)
    context.close()
    model.close()
    return gaps
