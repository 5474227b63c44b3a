"""Everyday messages put together from a topic's sentences and a mood: what the sorting exercises sort.

A message knows its topic, whether it asks or tells, and whether there is a hurry. Knows no answer formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from scripts.tiny_base.topics import Topic

GREETINGS = (
    "Hello. ",
    "Good morning, ",
    "Dear neighbour, ",
    "Hi all! ",
    "Listen: ",
    "Oh dear. ",
    "Well, ",
    "Hey, ",
    "So ",
)
TELLING = (
    "{0}.",
    "{0}!",
    "I am sorry to say that {0}.",
    "Would you believe it, {0}.",
    "My aunt writes that {0}.",
    "This morning {0}.",
    "As it happens {0}, and that was not the plan.",
    "{0} and nobody did anything about it.",
    "Once more {0}.",
    "It seems {0}.",
    "The news of the day: {0}.",
    "What should one do? {0}.",
)
ASKING = (
    "Do you happen to know {0}?",
    "My uncle asks {0}.",
    "Somebody should explain {0}.",
    "I would love to know {0}.",
    "The children ask {0}.",
    "Tell me {0}.",
    "Please say {0}.",
    "{0}? That is all I ask.",
    "Who can tell me {0}?",
    "I have always wanted to learn {0}.",
    "I never understood {0}.",
)
HURRY = (
    "Come at once!",
    "Quick, please.",
    "It cannot wait, not even an hour.",
    "Help me right away!",
    "This is an emergency.",
    "We have until tonight.",
    "Please hurry, time is running out.",
    "It is happening at this very moment.",
    "Everything must be ready today.",
    "I am frightened, act now.",
    "Only minutes are left.",
    "Run, this is urgent.",
    "It is getting worse every second.",
    "Tomorrow will be too late.",
)
CALM = (
    "Take your time.",
    "There is no hurry.",
    "Any day will do.",
    "Write back when it suits you.",
    "It is only a thought.",
    "I can wait until next month.",
    "Thank you and have a quiet week.",
    "Just so you know.",
    "It does not matter much.",
    "We laugh about it already.",
    "I am merely curious.",
    "Later is fine too.",
    "Nothing depends on it.",
)


@dataclass(frozen=True)
class Message:
    """One message and what is true of it."""

    text: str
    topic: Topic
    asks: bool
    hurry: bool


def compose(rng: Random, topic: Topic) -> Message:
    """A message about `topic`; half of them hurry, and those that neither hurry nor say so are calm."""
    asks = rng.random() < 0.4
    hurry = rng.random() < 0.4
    core = rng.choice(ASKING).format(rng.choice(topic.questions)) if asks else tell(rng, topic)
    parts = [core]
    if not asks and rng.random() < 0.2:
        parts.append(capital(rng.choice([e for e in topic.events if e not in core.lower()])) + ".")
    if hurry:
        parts.insert(rng.choice((0, len(parts))), rng.choice(HURRY))
    elif rng.random() < 0.6:
        parts.append(rng.choice(CALM))
    text = " ".join(capital(part) for part in parts)
    if rng.random() < 0.25:
        text = rng.choice(GREETINGS) + text
    if rng.random() < 0.2:
        text = text.lower()
    if rng.random() < 0.15:
        text = text.rstrip(".!")
    return Message(text, topic, asks, hurry)


def tell(rng: Random, topic: Topic) -> str:
    """One of the topic's mishaps in one of the ways to tell it."""
    return rng.choice(TELLING).format(rng.choice(topic.events))


def capital(text: str) -> str:
    """`text` with a capital first letter."""
    return text[:1].upper() + text[1:]
