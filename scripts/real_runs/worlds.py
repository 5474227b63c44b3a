"""Planted worlds for the advisor: workspaces from the demo's template in which one fix is known to be right.

    prompt      the base knows the task and the form, the prompt asks for neither
    retrieval   what is asked stands in the documents alone: the names are made up for each seed
    tune        the demo itself: intents that the base has never been taught
    nothing     the demo with its answers shuffled: there is nothing to be learned, looked up or asked for

Answers come from the embedded base's own skills (decision 0023), so a real model answers every case.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from scripts.real_runs.commands import Commands
from scripts.tiny_base import words
from scripts.tiny_base.reading import made_up

ROWS, DOCUMENTS, CASES = 200, 60, 60
SETTINGS = """\
[workspace]
name = "planted"
[models.tiny]
path = "builtin:tiny"
[datasets.planted]
source = "data/planted.jsonl"
heldout = {heldout}
seed = {seed}
[knowledge.docs]
sources = ["knowledge"]
chunk_tokens = 96
[variants.base]
model = "tiny"
prompt = "prompts/base.md"
top_k = 1
[variants.base.sampling]
max_tokens = 32
[defaults]
variant = "base"
"""
RECIPE = """\
objective = "sft"
method = "lora"
base = "tiny"
dataset = "planted"
prompt = "prompts/base.md"
max_steps = 100
batch_size = 8
learning_rate = 2e-3
warmup_steps = 10
max_length = 128
general = ""
seed = {seed}
[lora]
rank = 32
alpha = 64
target = "all-linear"
"""
HELDOUT_SUITE = "name: planted\ncases: {dataset: planted/heldout}\nchecks: [{kind: exact}]\n"


def plant(temper: Commands, seed: int, prompt: str, rows: list[tuple[str, str]], suite: str) -> None:
    """A workspace from the demo's template with other rows, prompt and suite; its help articles stay."""
    temper.run("init", temper.root, "--template", "support")
    for name in ("recipes/support.toml", "evals/support.yaml"):
        (temper.root / name).unlink()
    temper.write("temper.toml", SETTINGS.format(heldout=round(CASES / len(rows), 3), seed=seed))
    temper.write("recipes/planted.toml", RECIPE.format(seed=seed))
    temper.write("prompts/base.md", prompt + "\n")
    temper.write("evals/planted.yaml", suite)
    lines = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
        for asked, answer in rows
    ]
    temper.write("data/planted.jsonl", "\n".join(map(json.dumps, lines)) + "\n")


def support_rows() -> list[tuple[str, str]]:
    """The demo's own messages with their intents."""
    template = (
        Path(__file__).resolve().parents[2] / "engine" / "templates" / "support" / "data" / "support.jsonl"
    )
    rows = [json.loads(line)["messages"] for line in template.read_text(encoding="utf-8").splitlines()]
    return [(row[-2]["content"], row[-1]["content"]) for row in rows]


def prompt_world(temper: Commands, seed: int) -> list[str]:
    """Sentences to be sorted into groups, as JSON: the base does so when the prompt says it."""
    random = Random(seed)
    rows = []
    for _ in range(ROWS):
        group = random.choice(words.read_groups())
        rows.append((words.sentence(random, group), json.dumps({"group": group.name})))
    plant(temper, seed, "Answer the customer.", rows, HELDOUT_SUITE)
    temper.write("prompts/better.md", "Answer with the group as JSON.\n")
    return ["--prompt", "prompts/better.md"]


def retrieval_world(temper: Commands, seed: int) -> list[str]:
    """Made-up products, each described in a document of its own: nobody can know their group without it."""
    random = Random(seed)
    names: dict[str, words.Group] = {}
    while len(names) < DOCUMENTS + ROWS:
        names[made_up(random).capitalize() + made_up(random)] = random.choice(words.read_groups())
    known, others = list(names.items())[:DOCUMENTS], list(names.items())[DOCUMENTS:]
    cases = [
        {
            "id": name,
            "input": f"{name}: which group?",
            "expected": group.name,
            "expected_sources": [f"{name}.md"],
        }
        for name, group in known
    ]
    rows = [(f"{name}: which group?", group.name) for name, group in others]
    suite = json.dumps({"name": "planted", "cases": cases, "checks": [{"kind": "exact"}]})
    plant(temper, seed, "One group, please.", rows, suite)
    for article in (temper.root / "knowledge").iterdir():
        article.unlink()
    for name, group in known:
        temper.write(f"knowledge/{name}.md", f"{name}: {', '.join(random.sample(group.words, 4))}.\n")
    return ["--rows", "planted"]


def tuning_world(temper: Commands, seed: int) -> list[str]:
    """The demo: messages of a help desk and their intents."""
    plant(temper, seed, "Answer with the customer's intent as JSON.", support_rows(), HELDOUT_SUITE)
    return []


def hopeless_world(temper: Commands, seed: int) -> list[str]:
    """The demo with the intents dealt out anew at random."""
    rows = support_rows()
    answers = [answer for _, answer in rows]
    Random(seed).shuffle(answers)
    shuffled = [(asked, answer) for (asked, _), answer in zip(rows, answers, strict=True)]
    plant(temper, seed, "Answer with the customer's intent as JSON.", shuffled, HELDOUT_SUITE)
    return []


WORLDS: dict[str, tuple[str, Callable[[Commands, int], list[str]]]] = {
    "prompt": ("prompt", prompt_world),
    "retrieval": ("retrieval", retrieval_world),
    "tune": ("tune", tuning_world),
    "nothing": ("not_yet", hopeless_world),
}
"""The world's name: the verdict that is right in it, and what plants it and gives the words for `advise`."""
