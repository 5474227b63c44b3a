"""All that the tiny base reads, in one seeded order: exercises in words, sorting, reading; plain text."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from scripts.tiny_base import reading, sorting, words
from scripts.tiny_base.chatml import END_OF_TEXT
from scripts.tiny_base.messages import capital, compose
from scripts.tiny_base.topics import Topic, read_topics

WORDS, SORTING, READING = 0.34, 0.36, 0.22  # shares of the documents; the rest is plain text


def documents(seed: int, count: int) -> Iterator[str]:
    """`count` documents, each ended by the end-of-text token; the same for the same seed."""
    rng, topics = Random(seed), read_topics()
    for _ in range(count):
        draw = rng.random()
        if draw < WORDS:
            text = words.exercise(rng)
        elif draw < WORDS + SORTING:
            text = sorting.exercise(rng, topics)
        elif draw < WORDS + SORTING + READING:
            text = reading.exercise(rng, topics)
        else:
            text = plain(rng, topics)
        yield text + END_OF_TEXT


def plain(rng: Random, topics: list[Topic]) -> str:
    """Text without a conversation: a heading and what belongs under it, or a few messages."""
    if rng.random() < 0.4:
        return words.paragraph(rng)
    topic = rng.choice(topics)
    if rng.random() < 0.5:
        return "\n".join(compose(rng, topic).text for _ in range(rng.randint(1, 3)))
    events = rng.sample(topic.events, rng.randint(2, 4))
    lines = [f"# {capital(topic.name)}", f"Words: {', '.join(rng.sample(topic.things, 5))}."]
    return "\n".join(lines + [capital(event) + "." for event in events])
