"""Exercises in sorting: which topic, who hurries, who asks; in one word, in short JSON, from a given choice.

The topics are everyday ones, and so are the words of the answers. Knows no other exercises.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from scripts.tiny_base.chatml import chat
from scripts.tiny_base.messages import Message, compose
from scripts.tiny_base.topics import Topic

Exercise = Callable[[Random, list[Topic]], str]

TOPIC_KEYS = ("topic", "subject", "theme", "about")
HURRY_KEYS = ("hurry", "soon", "rush")


def exercise(rng: Random, topics: list[Topic]) -> str:
    """One sorting exercise as a conversation."""
    kinds: tuple[Exercise, ...]
    kinds = (choose_topic, choose_topic, name_topic, topic_as_json, topic_as_json, both_as_json, both_as_json)
    kinds += (hurry_in_a_word, asks_or_tells, same_topic, word_to_topic, word_to_topic, odd_one_out)
    return rng.choice(kinds)(rng, topics)


def choose_topic(rng: Random, topics: list[Topic]) -> str:
    """Pick the matching topic from a few that are named first."""
    few = rng.sample(topics, rng.randint(2, 5))
    message = compose(rng, rng.choice(few))
    names = ", ".join(topic.name for topic in few)
    system = rng.choice(
        ("Choose one: {0}.", "Sort into {0}.", "Topics: {0}. Answer with the one that fits.", "One of {0}?")
    )
    return chat(message.text, message.topic.name, system.format(names))


def name_topic(rng: Random, topics: list[Topic]) -> str:
    """Say the topic without being given a choice."""
    message = compose(rng, rng.choice(topics))
    if rng.random() < 0.5:
        return chat(
            message.text,
            message.topic.name,
            rng.choice(("What is this about?", "Name the topic.", "Topic only.")),
        )
    ask = rng.choice(("What is this about? {0}", "{0}\nTopic?", "Name the topic in a word or two: {0}"))
    return chat(ask.format(message.text), message.topic.name)


def topic_as_json(rng: Random, topics: list[Topic]) -> str:
    """The topic as JSON under a key that the instruction names."""
    message = compose(rng, rng.choice(topics))
    key = rng.choice(TOPIC_KEYS)
    system = rng.choice(
        (
            "Answer in JSON with {0}.",
            "Give the {0} as JSON.",
            "Sort the message. JSON, key {0}.",
            "{0} as JSON",
        )
    )
    return chat(message.text, json.dumps({key: message.topic.name}), system.format(key))


def both_as_json(rng: Random, topics: list[Topic]) -> str:
    """Topic and hurry as JSON with two keys."""
    message = compose(rng, rng.choice(topics))
    topic_key, hurry_key = rng.choice(TOPIC_KEYS), rng.choice(HURRY_KEYS)
    system = rng.choice(
        ("Answer in JSON with {0} and {1}.", "Read the message. JSON: {0}, {1}.", "JSON with {0}, {1}")
    )
    answer = {topic_key: message.topic.name, hurry_key: yes_no(message.hurry)}
    return chat(message.text, json.dumps(answer), system.format(topic_key, hurry_key))


def hurry_in_a_word(rng: Random, topics: list[Topic]) -> str:
    """Whether the writer is in a hurry."""
    message = compose(rng, rng.choice(topics))
    system = rng.choice(
        ("Is there a hurry? Answer yes or no.", "Must it be done soon? yes or no", "Hurry, yes or no?")
    )
    return chat(message.text, yes_no(message.hurry), system)


def asks_or_tells(rng: Random, topics: list[Topic]) -> str:
    """Whether a message asks or tells."""
    message = compose(rng, rng.choice(topics))
    answer = "asks" if message.asks else "tells"
    return chat(message.text, answer, rng.choice(("Does the writer ask or tell?", "asks or tells?")))


def same_topic(rng: Random, topics: list[Topic]) -> str:
    """Whether two messages are about one topic."""
    first: Message = compose(rng, rng.choice(topics))
    second = compose(rng, first.topic if rng.random() < 0.5 else rng.choice(topics))
    user = f"One: {first.text}\nTwo: {second.text}\nDo both have the same topic?"
    return chat(user, yes_no(first.topic == second.topic))


def word_to_topic(rng: Random, topics: list[Topic]) -> str:
    """The topic that a few words belong to."""
    topic = rng.choice(topics)
    words = ", ".join(rng.sample(topic.things, rng.randint(1, 4)))
    return chat(
        rng.choice(("Which topic has these words: {0}?", "{0}: what topic?", "Topic of {0}?")).format(words),
        topic.name,
    )


def odd_one_out(rng: Random, topics: list[Topic]) -> str:
    """The word that comes from another topic."""
    topic, other = rng.sample(topics, 2)
    stranger = rng.choice([thing for thing in other.things if thing not in topic.things])
    words = [*rng.sample(topic.things, 3), stranger]
    rng.shuffle(words)
    return chat(f"Which word does not belong: {', '.join(words)}?", stranger)


def yes_no(value: bool) -> str:
    """`yes` or `no`."""
    return "yes" if value else "no"
