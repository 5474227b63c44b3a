"""Chat templates that write calls of tools, each in the way of its family.

Those that the trl package carries by their names there, and small ones of our own that write calls as
Mistral, Granite, Command-R, Phi-4, Hermes and SmolLM do. Knows nothing of how calls are read.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

TRL = find_spec("trl")  # found, not imported: that takes seconds
assert TRL is not None
CARRIED = Path(TRL.origin or "").parent / "chat_templates"
STOPS = ("<|call|>", "<|return|>", "<|im_end|>", "<|eot_id|>", "</s>", "<|tool_response>")
"""What ends answers, among all families."""


def template(calls: str) -> str:
    """A chat template that tells of the tools, with `calls` where a turn has them.

    NAME, ARGS and ID stand for the parts of a call, LIST for the functions of all, SEP for a comma between.
    """
    short = {
        "NAME": "{{ c.function.name }}",
        "ARGS": "{{ c.function.arguments | tojson }}",
        "CALL": "{{ c.function | tojson }}",
        "OPEN": "{{ (c.function | tojson)[:-1] }}",
        "ID": "{{ c.id }}{% if c.id | length != 9 %}{{ raise_exception('id') }}{% endif %}",
        "SEP": "{% if not loop.last %}, {% endif %}",
        "LIST": "{{ m.tool_calls | map(attribute='function') | list | tojson }}",
        "INDENTED": "{{ m.tool_calls | map(attribute='function') | list | tojson(indent=4) }}",
        "EACH": "{% for c in m.tool_calls %}",
        "DONE": "{% endfor %}",
    }
    for word, code in short.items():
        calls = calls.replace(f"${word}", code)
    return (
        "{% for tool in tools or [] %}<|tool|>{{ tool.function | tojson }}{% endfor %}"
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
        "{% if m.tool_calls %}" + calls + "{% endif %}</s>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )


OWN = {
    "mistral-array": template('[TOOL_CALLS] [$EACH$OPEN, "id": "$ID"}$SEP$DONE]'),
    "mistral-args": template("$EACH[TOOL_CALLS]$NAME[ARGS]$ARGS$DONE"),
    "mistral-call-id": template("$EACH[TOOL_CALLS]$NAME[CALL_ID]$ID[ARGS]$ARGS$DONE"),
    "granite": template("<|tool_call|>$INDENTED"),
    "command-r": template(
        "<|START_THINKING|><|END_THINKING|><|START_ACTION|>[\n$EACH"
        '    {"tool_call_id": "{{ loop.index0 }}", "tool_name": "$NAME", "parameters": $ARGS}'
        "{% if not loop.last %},{% endif %}{{ '\n' }}$DONE]<|END_ACTION|>"
    ),
    "phi-4": template("$EACH<|tool_call|>$CALL<|/tool_call|>$DONE"),
    "hermes-arguments-first": template(
        '$EACH{{ \'\n\' }}<tool_call>\n{"arguments": $ARGS, "name": "$NAME"}\n</tool_call>$DONE'
    ),
    "smollm-list": template("<tool_call>$LIST</tool_call>"),
}
NATIVE = {
    "deepseekv3": "<｜tool▁calls▁begin｜>",  # noqa: RUF001 - DeepSeek's own letters
    "gemma4": "<|tool_call>",
    "glm4moe": "<tool_call>",
    "gptoss": " to=functions.",
    "llama3_1": '{"name": "',
    "llama3_2": '{"name": "',
    "nemotron_3_nano": "<tool_call>",
    "qwen2_5": "<tool_call>",
    "qwen3": "<tool_call>",
    "qwen3_5_nothink": "<tool_call>",
    "qwen3_5_think": "<tool_call>",
    "qwen3_6": "<tool_call>",
    "mistral-array": "[TOOL_CALLS]",
    "mistral-args": "[TOOL_CALLS]",
    "mistral-call-id": "[TOOL_CALLS]",
    "granite": "<|tool_call|>",
    "command-r": "<|START_ACTION|>",
    "phi-4": "<|tool_call|>",
    "hermes-arguments-first": "<tool_call>",
    "smollm-list": "<tool_call>",
}
"""What tells a call from text in each family that has a form of its own."""
WITHOUT = ("cohere", "gemma", "gemma3", "lfm2", "lfm2_v2", "llama3", "muse_glimmer", "phi3", "smolvlm")
"""Families whose templates write no calls, or in a way that is not followed."""
ONE_CALL = ("gptoss", "llama3_1", "llama3_2")
"""Families whose templates write one call an answer."""


def source(family: str) -> str:
    """The template."""
    return OWN[family] if family in OWN else (CARRIED / f"{family}.jinja").read_text(encoding="utf-8")
