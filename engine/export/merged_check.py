"""Is the merged model in safetensors the model that was trained? Both in Transformers, token by token.

For programs that read safetensors and not GGUF. The eval suite is asked of the GGUF files only: here the same
program reads both sides, and any difference would show in their probabilities first. Without a suite at all
the verdict is WARN at best, as it is of a GGUF file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.data.rendering import stop_ids
from engine.export.convert import native_type
from engine.export.reference import Reference
from engine.export.ship.asked import Judged, Material
from engine.export.ship.check import NO_SUITE, Check, fill, judge_answers, rows_of, settle
from engine.export.ship.positions import Compared, Measured, divergence
from engine.export.ship.reading import Continuation
from engine.export.ship.scores import ScoreFile
from engine.export.tolerances import tolerance_of
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt, load_tokenizer
from store.records.exports import ShipCheck

ANSWER_TOKENS = 32


def check_merged(
    base: ModelDirectory,
    adapter: Path,
    folder: Path,
    material: Material,
    advance: Callable[[int], None] = lambda done: None,
) -> ShipCheck:
    """The verdict on the merged model in `folder`. `advance` counts answers, two per question.

    The model as trained answers greedily, and the merged one reads these answers: the two are never in memory
    at once.
    """
    merged, tokenizer = ModelDirectory(folder), load_tokenizer(base.tokenizer_file)
    check = Check(tolerance_of(native_type(base), base.dtype))
    bos = base.special_token("bos_token")
    prompts = [encode_prompt(tokenizer, question.prompt, bos) for question in material.questions]
    stops = stop_ids(base, tokenizer) | set(material.answer_ends)
    trained = Reference(base, adapter)
    scores = ScoreFile(folder.parent, rows_of(base, adapter))
    try:
        answers = asked(trained, prompts, stops, scores, advance)
        check.record.reference = trained.name
    finally:
        trained.close()
    witness = Reference(merged)
    try:
        measured = compared(witness, prompts, answers, scores, lambda done: advance(len(prompts) + done))
    finally:
        witness.close()
        scores.close()
    fill(check.record, measured, check.tolerance.tie)
    check.record.stops = any(answer[-1] in stops for answer in answers)
    check.judged += judge_tokenizer(check.record, base, merged, material)
    check.judged += judge_answers(
        check.record, measured, check.tolerance, lambda token: tokenizer.id_to_token(token) or str(token)
    )
    if not material.exam:
        check.judged.append(("WARN", NO_SUITE))
    check.judged += [("WARN", note) for note in material.notes]
    settle(check)
    return check.record


def asked(
    model: Reference,
    prompts: Sequence[Sequence[int]],
    stops: set[int],
    scores: ScoreFile,
    advance: Callable[[int], None],
) -> list[list[int]]:
    """The greedy answers, with the scores of every place kept."""
    answers = []
    for done, prompt in enumerate(prompts, start=1):
        answer = model.generate(prompt, ANSWER_TOKENS, stops)
        for row in model.logits(prompt, answer).numpy():
            scores.add(row)
        answers.append(answer)
        advance(done)
    return answers


def compared(
    model: Reference,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[list[int]],
    scores: ScoreFile,
    advance: Callable[[int], None],
) -> Measured:
    """What the merged model makes of the same answers."""
    measured, start = Measured(), 0
    for done, (prompt, answer) in enumerate(zip(prompts, answers, strict=True), start=1):
        trained = scores.read(start, len(answer))
        own = model.logits(prompt, answer).numpy()
        chosen, best = own.argmax(axis=-1), trained.argmax(axis=-1)
        places = range(len(answer))
        gaps = trained[places, best] - trained[places, chosen]
        text = Continuation(list(prompt), answer, chosen.tolist(), True, start, len(answer))
        apart = divergence(trained, own).tolist()
        measured.compared.append(Compared(text, best.tolist(), gaps.tolist(), apart))
        start += len(answer)
        advance(done)
    return measured


def judge_tokenizer(
    record: ShipCheck, base: ModelDirectory, merged: ModelDirectory, material: Material
) -> list[Judged]:
    """BLOCK where texts give other ids, or where the chat template is not the model's own."""
    left, right = load_tokenizer(base.tokenizer_file), load_tokenizer(merged.tokenizer_file)
    equal = [encode(left, text) == encode(right, text) for text in material.texts]
    record.texts, record.token_ids_equal = len(equal), sum(equal) / max(1, len(equal))
    judged: list[Judged] = []
    if not all(equal):
        judged.append(("BLOCK", f"{equal.count(False)} of {len(equal)} texts give other token ids."))
    if base.chat_template != merged.chat_template:
        judged.append(("BLOCK", "The chat template is not the model's own."))
    return judged
