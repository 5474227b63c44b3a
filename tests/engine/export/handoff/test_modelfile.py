"""Modelfiles: parsed back, they ask as the model's own template does, and stop where it stops."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from engine.export.handoff.modelfile import modelfile
from engine.models.builtin import builtin_directory
from engine.models.chat import render_chat, render_plain
from engine.models.directory import ModelDirectory
from store.errors import UsageError
from store.records.data import Message
from store.records.workspace import Sampling
from tests.engine.export.handoff import go
from tests.families import BOS, family_base

TINY = ModelDirectory(builtin_directory("tiny"))
CONVERSATION = [
    Message("system", 'Say "yes" or\nno.'),
    Message("user", "Where is my card? {{ .Content }}"),
    Message("assistant", "Here: \\n 1 < 2"),
    Message("user", "Danke schön 🙂"),
]
TRANSLATED = ["qwen2_5", "llama3", "gemma", "gemma3", "phi3", "glm4moe", "lfm2"]


def parsed(text: str) -> list[tuple[str, str]]:
    """Instructions and their arguments, by the grammar of ollama's docs/modelfile.md."""
    pattern = r'(?m)^(FROM|ADAPTER|TEMPLATE|SYSTEM|LICENSE|PARAMETER) (?:"""(.*?)"""|([^\n]*))$'
    found = re.compile(pattern, re.DOTALL | re.MULTILINE)
    assert not found.sub("", text).strip(), "there is more than instructions"
    return [(one[1], one[2] if one[2] is not None else one[3]) for one in found.finditer(text)]


def template_in(text: str) -> str:
    return dict(parsed(text))["TEMPLATE"]


@pytest.mark.parametrize("family", TRANSLATED)
def test_the_template_asks_as_the_models_own(family: str, tmp_path: Path) -> None:
    base = family_base(tmp_path / family, family)
    text = modelfile(base, Path("x.gguf"))
    for conversation in (CONVERSATION, CONVERSATION[1:], CONVERSATION[1:2]):
        eos = base.special_token("eos_token")
        if family == "gemma" and conversation[0].role == "system":
            continue  # it refuses one
        wanted = render_chat(
            base.chat_template, conversation, add_generation_prompt=True, bos_token=BOS, eos_token=eos
        )
        assert go.run(template_in(text), conversation) == wanted


def test_where_the_tokenizer_puts_bos_the_template_leaves_it_out(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY.path, tmp_path / "base"))
    (folder / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>",
        encoding="utf-8",
    )
    base = with_bos(folder)
    assert go.run(template_in(modelfile(base, Path("x.gguf"))), CONVERSATION[1:2]).startswith("<user>Where")


def with_bos(folder: Path) -> ModelDirectory:
    """A base whose tokenizer begins every text with its <|im_start|>."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bos = "<|im_start|>"
    tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = (folder / "tokenizer_config.json").read_text(encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(config.replace("{", f'{{"bos_token": "{bos}",', 1))
    return ModelDirectory(folder)


def test_a_recipes_plain_template_asks_as_it_was_trained() -> None:
    template = "Question: {prompt}\nAnswer: {completion}"
    text = modelfile(TINY, Path("x.gguf"), template=template, system="unused")
    assert go.run(template_in(text), [], "Why?") == render_plain(template, "Why?")
    assert "SYSTEM" not in dict(parsed(text))


def test_the_rest_is_as_the_variant_says() -> None:
    text = modelfile(
        TINY,
        Path("/far/x.gguf"),
        Path("/far/y.gguf"),
        system="Be\nkind.",
        sampling=Sampling(temperature=0.5, top_p=0.9, top_k=5),
        licence="mit",
    )
    found = parsed(text)
    assert ("FROM", "./x.gguf") in found
    assert ("ADAPTER", "./y.gguf") in found
    assert ("SYSTEM", "Be\nkind.") in found
    assert ("LICENSE", "mit") in found
    given = [value for name, value in found if name == "PARAMETER"]
    assert 'stop "<|im_end|>"' in given
    assert {"temperature 0.5", "top_p 0.9", "top_k 5", "repeat_penalty 1.0"} <= set(given)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
        "{% for m in messages %}{{ m.role }}{{ m.content }}{{ messages | length }}{% endfor %}",
        "{{ messages[-1].content }}",
    ],
)
def test_a_template_that_does_more_is_refused(template: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY.path, tmp_path / "base"))
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be translated for Ollama"):
        modelfile(ModelDirectory(folder), Path("x.gguf"))


def test_a_system_prompt_that_would_end_its_quotes_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot stand in a Modelfile"):
        modelfile(TINY, Path("x.gguf"), system='Say """no""".')
