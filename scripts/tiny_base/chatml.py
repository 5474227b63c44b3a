"""How a conversation is written for the tiny base: ChatML. Does not tokenise."""

from __future__ import annotations

END_OF_TEXT = "<|endoftext|>"
START = "<|im_start|>"
END = "<|im_end|>"
SPECIAL = (END_OF_TEXT, START, END)

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""The Jinja chat template that ships with the model; `chat` writes the same text."""


def chat(user: str, answer: str, system: str = "") -> str:
    """One question with its answer, and a system message in front where there is one."""
    turns = [("system", system)] if system else []
    turns += [("user", user), ("assistant", answer)]
    return "".join(f"{START}{role}\n{content}{END}\n" for role, content in turns)
