"""What a file says of itself: its size, the tokens that end an answer, its chat template.

Reads metadata; asks the model nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from tokenizers import Tokenizer

from engine.export.ship.asked import Judged, Material
from engine.export.ship.ids import Difference
from engine.inference.llama import Model
from engine.models.chat import render_chat, with_system
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode
from store.errors import TemperError

EOS_KEY = "tokenizer.ggml.eos_token_id"


class Form(msgspec.Struct):
    """`rows` are the numbers of tokens of the file and of the model. `unstopped` are the tokens that should
    end an answer and do not; `eos` is what the file calls the end of a text where that is not the model's.

    `template` is empty where the chat template is the model's own, else says what comes of another one.
    """

    rows: tuple[int, int]
    unstopped: list[str] = []
    eos: str = ""
    template: str = ""

    @property
    def of_another_size(self) -> bool:
        """Whether the file has another number of tokens than the model."""
        return self.rows[0] != self.rows[1]


def read_form(
    model: Model,
    base: ModelDirectory,
    tokenizer: Tokenizer,
    ends: Collection[int],
    rows: int,
    material: Material,
) -> Form:
    """The file's form. `ends` are the tokens that end an answer of the model."""
    form = Form((model.vocabulary_size, rows))
    form.unstopped = [
        tokenizer.id_to_token(end) or f"token {end}" for end in sorted(ends) if end not in model.stop_ids
    ]
    if ends and EOS_KEY not in model.metadata:
        form.eos = "no token"
    elif ends and model.eos_id not in ends:
        form.eos = model.token_text(model.eos_id) or f"token {model.eos_id}"
    if model.chat_template != base.chat_template:
        form.template = template_difference(model, base, tokenizer, material)
    return form


def template_difference(model: Model, base: ModelDirectory, tokenizer: Tokenizer, material: Material) -> str:
    """What the file's own template makes of the first question, against what the model's does."""
    if not model.chat_template or not base.chat_template:
        return "it has none" if base.chat_template else "the model has none"
    asked = next((one for one in material.questions if one.messages), None)
    if asked is None:
        return "it reads otherwise"
    messages = with_system(asked.messages, material.system)
    texts = []
    for template in (base.chat_template, model.chat_template):
        try:
            text = render_chat(
                template,
                messages,
                add_generation_prompt=True,
                bos_token=base.special_token("bos_token"),
                eos_token=base.special_token("eos_token"),
            )
        except TemperError as error:
            return f"it refuses a prompt: {error.happened}"
        texts.append(text)
    if texts[0] == texts[1]:
        return "the first prompt reads alike"
    bos = base.special_token("bos_token")
    if bos and texts[1].startswith(bos * 2) and not texts[0].startswith(bos * 2):
        return f"it writes {bos} twice"
    return Difference(texts[1], encode(tokenizer, texts[0]), encode(tokenizer, texts[1])).shown


def judge_form(form: Form) -> list[Judged]:
    """BLOCK for another vocabulary, a stop token that does not stop, another chat template."""
    judged: list[Judged] = []
    if form.of_another_size:
        judged.append(("BLOCK", f"The file has {form.rows[0]} tokens, the model {form.rows[1]}."))
    if form.unstopped:
        judged.append(
            ("BLOCK", f"These should end an answer and do not in this file: {', '.join(form.unstopped)}.")
        )
    if form.eos:
        judged.append(("BLOCK", f"EOS is missing: {form.eos} ends a text by this file, not the model's own."))
    if form.template:
        reason = f"The chat template in the file is not the model's own: {form.template}."
        judged.append(("BLOCK", reason))
    return judged
