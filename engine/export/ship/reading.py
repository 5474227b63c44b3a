"""What a file does, by llama.cpp, as it will be when it is used. Judges nothing and knows no reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import llama_cpp
import msgspec
from tokenizers import Tokenizer

from engine.data.rendering import stop_ids
from engine.export.ship.asked import ANSWER_TOKENS, Exam, Material
from engine.export.ship.form import Form, read_form
from engine.export.ship.ids import Ids, compare_ids
from engine.export.ship.scores import ScoreFile
from engine.inference.llama import Context, Model
from engine.inference.lora import LoraAdapter, put_on
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode_prompt


class Continuation(msgspec.Struct):
    """`written` ids behind a prompt, and the file's own first choice at each of their places.

    `own`: the file wrote it; else it is the answer of a row. The scores of the first `kept` places stand in
    the score file from row `start` on.
    """

    prompt: list[int]
    written: list[int]
    chosen: list[int]
    own: bool
    start: int
    kept: int


class Findings(msgspec.Struct):
    """What a file did, before anybody judges it. No texts where it has another number of tokens.

    `exam` holds the ids of its answers to the suite's prompts; like its own, they end with the stop token if
    there was one. `bos` is the model's, as text; `rotation` llama.cpp's kind of rotary embedding. `adapter`
    is the file as it was put on the base's GGUF, where it is no model itself.
    """

    file: Path
    kind: str
    tokenizer: Tokenizer
    ids: Ids
    form: Form
    scores: ScoreFile
    stops: frozenset[int] = frozenset()
    bos: str = ""
    rotation: int = -1
    texts: list[Continuation] = []
    exam_prompts: list[list[int]] = []
    exam: list[list[int]] = []
    adapter: LoraAdapter | None = None

    @property
    def own(self) -> Iterator[Continuation]:
        """The file's answers."""
        return (text for text in self.texts if text.own)

    def spell(self, token: int) -> str:
        """A token as the vocabulary writes it."""
        return self.tokenizer.id_to_token(token) or f"token {token}"


def read_file(
    file: Path,
    kind: str,
    tokenizer: Tokenizer,
    base: ModelDirectory,
    rows: int,
    material: Material,
    count: Callable[[], None],
    over: Path | None = None,
) -> Findings:
    """Everything that is asked of the file itself. `rows` is the number of tokens that it must have.

    With the base's GGUF `over`, the file is an adapter that is put on it. Raises as Model and LoraAdapter do.
    """
    model = Model(over or file)
    scores = ScoreFile(file.parent, model.vocabulary_size)
    try:
        ids, prompts = compare_ids(model, tokenizer, base, material)
        ends = stop_ids(base, tokenizer) | set(material.answer_ends)
        form = read_form(model, base, tokenizer, ends, rows, material)
        findings = Findings(file, kind, tokenizer, ids, form, scores, model.stop_ids)
        findings.adapter = LoraAdapter(model, file) if over else None
        findings.bos = base.special_token("bos_token")
        findings.rotation = int(llama_cpp.llama_model_rope_type(model.handle))
        if not form.of_another_size:  # else ids of one would be out of the other's range
            answer(findings, model, prompts, material, count)
            if material.exam:
                sit_exam(findings, model, material.exam, base, count)
    except BaseException:
        scores.close()
        raise
    finally:
        model.close()  # and what was put on it
    return findings


def answer(
    findings: Findings,
    model: Model,
    prompts: Sequence[list[int]],
    material: Material,
    count: Callable[[], None],
) -> None:
    """Let the file answer every prompt, and read the answers of the rows."""
    given = [question.answer[:ANSWER_TOKENS] for question in material.questions]
    most = findings.scores.most_rows(len(prompts) + sum(map(bool, given)))
    context = ready(findings, model, max(map(len, prompts)) + ANSWER_TOKENS + 1)
    try:
        for prompt, written in zip(prompts, given, strict=True):
            findings.texts.append(follow(context, findings.scores, prompt, None, most))
            if written:
                findings.texts.append(follow(context, findings.scores, prompt, written, most))
            count()
    finally:
        context.close()


def ready(findings: Findings, model: Model, tokens: int) -> Context:
    """A context of that many tokens, with the adapter on if there is one."""
    context = Context(model, tokens)
    if findings.adapter:
        put_on(context, [(findings.adapter, 1.0)])
    return context


def follow(
    context: Context, scores: ScoreFile, prompt: list[int], given: list[int] | None, most: int
) -> Continuation:
    """Go through an answer token by token: the one `given`, else the likeliest one, up to its stop token."""
    text = Continuation(prompt, [], [], given is None, scores.rows, 0)
    limit = ANSWER_TOKENS if given is None else len(given)
    context.read(prompt)
    while True:
        row = context.logits
        text.chosen.append(int(row.argmax()))
        if text.kept < most:
            scores.add(row)
            text.kept += 1
        text.written.append(text.chosen[-1] if given is None else given[len(text.written)])
        if len(text.written) == limit or (given is None and text.written[-1] in context.model.stop_ids):
            return text
        context.append(text.written[-1])


def sit_exam(
    findings: Findings, model: Model, exam: Exam, base: ModelDirectory, count: Callable[[], None]
) -> None:
    """Let the file answer the suite's prompts, greedily."""
    bos = base.special_token("bos_token")
    findings.exam_prompts = [encode_prompt(findings.tokenizer, prompt, bos) for prompt in exam.prompts]
    context = ready(findings, model, max(map(len, findings.exam_prompts)) + exam.most + 1)
    try:
        for prompt in findings.exam_prompts:
            findings.exam.append(greedy(context, prompt, exam.most))
            count()
    finally:
        context.close()


def greedy(context: Context, prompt: Sequence[int], most: int) -> list[int]:
    """The likeliest continuation, at most `most` ids; where a stop token ends it, that is the last one."""
    context.read(prompt)
    ids: list[int] = []
    while True:
        ids.append(int(context.logits.argmax()))
        if len(ids) == most or ids[-1] in context.model.stop_ids:
            return ids
        context.append(ids[-1])
