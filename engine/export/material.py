"""What an export is checked on: the dataset's rows as training wrote them, hard texts, questions.

Renders; compares nothing. Knows nothing of where rows are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from engine.data.rendering import Renderer
from engine.evals.cases import spread
from engine.export.hard_texts import HARD_TEXTS, QUESTIONS, typed_specials
from engine.export.ship_check import ANSWER_TOKENS, Material
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, load_tokenizer
from store.errors import UsageError
from store.records.data import Example, Message

TEXT_ROWS = 200
PROMPTS = 20


def material_for(
    base: ModelDirectory, template: str, system: str, rows: Sequence[Example], asked: Sequence[Example]
) -> Material:
    """Texts from `rows` and prompts from `asked`, at most TEXT_ROWS and PROMPTS of them, evenly spread.

    Without rows, general questions. A base without any template gets texts as they are.
    """
    tokenizer = load_tokenizer(base.tokenizer_file)
    specials = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    material = Material([*HARD_TEXTS, *typed_specials(specials)], [])
    if template or base.chat_template:
        render(material, Renderer(base, template, system), rows, asked)
    else:
        material.prompts = list(QUESTIONS)
    most = (base.context_length or 1 << 30) - ANSWER_TOKENS
    fitting = [prompt for prompt in material.prompts if len(encode(tokenizer, prompt)) < most]
    material.prompts = spread(fitting, PROMPTS)
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
            material.prompts.append(renderer.prompt_text(example.messages[:-1], example.tools))
    if not material.prompts:
        material.prompts = [renderer.prompt_text([Message("user", text)]) for text in QUESTIONS]
