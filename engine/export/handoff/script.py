"""A script that asks a merged model, or a base with its PEFT adapter, in plain Transformers.

Written beside the export and meant to be read: it needs nothing of Temper.
"""

from __future__ import annotations

from pathlib import Path

_SCRIPT = '''"""Ask the model in plain Transformers: python {name} "a question"."""

import sys
from pathlib import Path

import torch
{imports}
MODEL = {model}
{adapter_line}SYSTEM = {system!r}
TEMPLATE = {template!r}

# the file itself, not what AutoTokenizer makes of it: training used these ids
tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL, local_files_only=True)
model = AutoModelForCausalLM.from_pretrained(
    MODEL, dtype="auto", use_safetensors=True, local_files_only=True, trust_remote_code=False
)
{put_on}device = "cuda" if torch.cuda.is_available() else "cpu"
model = model.to(device).eval()

question = " ".join(sys.argv[1:]) or sys.stdin.read()
if TEMPLATE:
    text = TEMPLATE.partition("{{completion}}")[0].replace("{{prompt}}", question)
else:
    messages = [{{"role": "system", "content": SYSTEM}}] if SYSTEM else []
    messages += [{{"role": "user", "content": question}}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
bos = tokenizer.bos_token or ""
ids = tokenizer(text, return_tensors="pt", add_special_tokens=not (bos and text.startswith(bos)))["input_ids"]
stops = {stops!r}
with torch.no_grad():
    written = model.generate(
        ids.to(device), max_new_tokens={most}, do_sample=False, eos_token_id=stops, pad_token_id=stops[0]
    )
print(tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True))
'''


def script(
    file: Path, model: Path, adapter: Path | None, system: str, template: str, stops: list[int], most: int
) -> str:
    """The text of the script `file`. `stops` are the ids that end an answer of at most `most` tokens."""
    folder = file.parent
    peft = "from peft import PeftModel\n" if adapter else ""
    return _SCRIPT.format(
        name=file.name,
        imports=f"{peft}from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast\n",
        model=place(model, folder),
        adapter_line=f"ADAPTER = {place(adapter, folder)}\n" if adapter else "",
        put_on="model = PeftModel.from_pretrained(model, ADAPTER)\n" if adapter else "",
        system=system,
        template=template,
        stops=stops,
        most=most,
    )


def place(path: Path, folder: Path) -> str:
    """A path in Python: what lies beside the script is found wherever both are moved."""
    return (
        f"str(Path(__file__).resolve().parent / {path.name!r})" if path.parent == folder else repr(str(path))
    )
