"""What an export is checked on: the dataset's rows as training wrote them, hard texts, questions, a suite.

Renders; compares nothing. Knows nothing of where rows are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from engine.data.rendering import Renderer
from engine.evals.cases import spread
from engine.evals.run import CheckedCase
from engine.export.hard_texts import HARD_TEXTS, QUESTIONS, typed_specials
from engine.export.ship.asked import ANSWER_TOKENS, Exam, Material, Question
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, load_tokenizer
from store.errors import UsageError
from store.records.data import Example, Message

TEXT_ROWS = 200
PROMPTS = 20
CASES = 100


def material_for(
    base: ModelDirectory, template: str, system: str, rows: Sequence[Example], asked: Sequence[Example]
) -> Material:
    """Texts from `rows` and questions from `asked`, at most TEXT_ROWS and PROMPTS of them, evenly spread.

    Without rows, general questions. A base without any template gets texts as they are.
    """
    tokenizer = load_tokenizer(base.tokenizer_file)
    added = tokenizer.get_added_tokens_decoder().values()
    specials = [token.content for token in added if token.special]
    typed = typed_specials(token.content for token in added)
    material = Material([*HARD_TEXTS, *typed], [], specials, system=system)
    if template or base.chat_template:
        render(material, Renderer(base, template, system), rows, asked)
    else:
        material.questions = [Question(text) for text in QUESTIONS]
    most = (base.context_length or 1 << 30) - ANSWER_TOKENS
    fitting = [one for one in material.questions if len(encode(tokenizer, one.prompt)) < most]
    material.questions = spread(fitting, PROMPTS)
    return material


def render(material: Material, renderer: Renderer, rows: Sequence[Example], asked: Sequence[Example]) -> None:
    """Add what the model's or the recipe's template makes of rows, hard texts and questions."""
    questions = [[Message("user", text)] for text in HARD_TEXTS if text.strip()]
    material.texts += [renderer.prompt_text(messages) for messages in questions]
    for example in spread(rows, TEXT_ROWS):
        with suppress(UsageError):  # training left such a row out and said so
            material.texts.append(renderer.text(example))
    ends = renderer.row(Example("", 0, [Message("user", "a"), Message("assistant", "b")]), 1 << 30)
    if ends.trained and renderer.is_special(ends.input_ids[-1]):
        material.answer_ends = [ends.input_ids[-1]]
    for example in spread([one for one in asked if one.messages], 2 * PROMPTS):
        with suppress(UsageError):
            material.questions.append(question_of(renderer, example))
    if not material.questions:
        general = [[Message("user", text)] for text in QUESTIONS]
        material.questions = [Question(renderer.prompt_text(one), messages=one) for one in general]


def question_of(renderer: Renderer, example: Example) -> Question:
    """A row's question, with its answer as far as it was trained. Raises UsageError where it is refused."""
    messages = example.messages[:-1]
    question = Question(renderer.prompt_text(messages, example.tools), messages=messages)
    rendered = renderer.render(example)
    if rendered.spans and rendered.prompt == question.prompt:
        question.answer = rendered.answer_ids[: rendered.spans[-1][1] - len(rendered.prompt_ids)]
    return question


def exam_for(
    base: ModelDirectory, template: str, system: str, name: str, cases: Sequence[CheckedCase], most: int
) -> Exam:
    """A suite's cases, at most CASES of them, evenly spread, with their prompts; answers of at most `most`
    tokens and half the context. Those that the template refuses or the context does not hold are left out.
    """
    renderer = Renderer(base, template, system)
    room = base.context_length or 1 << 30
    most = min(most, room // 2)
    exam = Exam(name, [], [], most, template.partition("{completion}")[2])
    for case, checks in spread(cases, CASES):
        with suppress(UsageError):
            prompt = renderer.prompt_text([*case.before, Message("user", case.input)])
            if len(encode(renderer.tokenizer, prompt)) < room - most:
                exam.cases.append((case, checks))
                exam.prompts.append(prompt)
    return exam
