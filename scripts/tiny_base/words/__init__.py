"""Exercises in words that belong together: a meaning for many words before any message uses them.

The groups stand in groups.txt. Sentences are frames around the words, so that only the words tell the group.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from scripts.tiny_base.chatml import chat
from scripts.tiny_base.messages import capital

FRAMES = (
    "the {0} and the {1}",
    "my {0} is not like the {1}",
    "what about {0} or {1}",
    "I have a {0}, then {1} and no {2}",
    "there is {0} here, and {1}",
    "can you {0} or {1} it",
    "we had {0} and it was {1}",
    "{0}, {1}, {2}",
    "they say {0} but I see {1}",
    "no {0} since the {1}",
    "is it {0} when it is {1}",
    "please, {0}! and {1}",
    "why {0}? and who {1}",
    "it was {0} with {1} all the time",
    "how do I {0} without {1}",
    "did you {0} the {1} for me",
    "a {0} that I can {1}",
    "you {0} it and then it is {1}",
)
ASK = ("Which group is this?", "What is this about?", "Name the group.", "Sort this.", "One group, please.")
KEYS = ("group", "topic", "about", "kind", "subject")


@dataclass(frozen=True)
class Group:
    """A name and the words that belong to it."""

    name: str
    words: list[str]


@lru_cache(maxsize=1)
def read_groups() -> list[Group]:
    """All groups, in the file's order."""
    lines = (Path(__file__).parent / "groups.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
    return [Group(name, words.split(", ")) for name, words in pairs]


def exercise(rng: Random) -> str:
    """One exercise as a conversation."""
    kinds = (name_group, name_group, group_as_json, group_as_json, another_word, choose_group, odd_one_out)
    return rng.choice(kinds)(rng)


def name_group(rng: Random) -> str:
    """The group that a few words, bare or in a sentence, belong to."""
    group = rng.choice(read_groups())
    if rng.random() < 0.3:
        return chat(f"{', '.join(rng.sample(group.words, rng.randint(1, 4)))}: which group?", group.name)
    return chat(sentence(rng, group), group.name, rng.choice(ASK))


def group_as_json(rng: Random) -> str:
    """The group of a sentence as JSON, under a key that the instruction names."""
    group, key = rng.choice(read_groups()), rng.choice(KEYS)
    task = rng.choice(("Answer with the {0} as JSON.", "JSON, key {0}.", "Give the {0} in JSON."))
    return chat(sentence(rng, group), json.dumps({key: group.name}), task.format(key))


def another_word(rng: Random) -> str:
    """One more word of the same group."""
    *shown, wanted = rng.sample(rng.choice(read_groups()).words, rng.randint(3, 5))
    return chat(f"{', '.join(shown)}: one more?", wanted)


def choose_group(rng: Random) -> str:
    """The matching one of a few named groups."""
    few = rng.sample(read_groups(), rng.randint(2, 5))
    group = rng.choice(few)
    names = ", ".join(one.name for one in few)
    return chat(sentence(rng, group), group.name, f"Choose one: {names}.")


def odd_one_out(rng: Random) -> str:
    """The word that comes from elsewhere."""
    group, other = rng.sample(read_groups(), 2)
    stranger = rng.choice([word for word in other.words if word not in group.words])
    words = [*rng.sample(group.words, 3), stranger]
    rng.shuffle(words)
    return chat(f"Which word does not belong: {', '.join(words)}?", stranger)


def sentence(rng: Random, group: Group) -> str:
    """One or two frames around words of the group; now and then a word from elsewhere, as in life."""
    parts = []
    for _ in range(rng.choice((1, 1, 2))):
        words = rng.sample(group.words, 3)
        if rng.random() < 0.2:
            words[rng.randrange(3)] = rng.choice(rng.choice(read_groups()).words)
        parts.append(rng.choice(FRAMES).format(*words))
    text = ". ".join(capital(part) for part in parts) + rng.choice((".", "?", "!", ""))
    return text.lower() if rng.random() < 0.3 else text


def paragraph(rng: Random) -> str:
    """Plain text: a group's name and sentences of it."""
    group = rng.choice(read_groups())
    return "\n".join([f"# {capital(group.name)}", *(sentence(rng, group) for _ in range(rng.randint(1, 4)))])
