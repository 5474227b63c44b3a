"""Exercises in reading: numbered passages and a question, answered by the sentence that says it.

Places and keepers are made up per exercise, so that the answer can only come from the passage. Knows no other
exercises.
"""

from __future__ import annotations

from random import Random

from scripts.tiny_base.chatml import chat
from scripts.tiny_base.messages import capital
from scripts.tiny_base.topics import Topic

_SYLLABLES = """
    ba be bo da di do fa fe ga go ha ka ki la le li lo ma me mi mo na ne no pa
    pe ra re ri ro sa se so ta te to va vi wa zo
"""
SYLLABLES = _SYLLABLES.split()
TASKS = (
    "Answer from the passages and give the number.",
    "Use only these passages.",
    "The passages say it. Answer with one sentence and its number.",
    "Read, then answer.",
)
# what a sentence says of a thing, and how to ask for it
FACTS = (
    ("The {0} stands in {1}.", "Where does the {0} stand?"),
    ("The {0} comes from {1}.", "Where does the {0} come from?"),
    ("{1} looks after the {0}.", "Who looks after the {0}?"),
    ("You find the {0} under {1}.", "How do I find the {0}?"),
    ("To see the {0}, open {1} and wait.", "How can I see the {0}?"),
    ("The {0} has room for {2} people.", "How many people does the {0} have room for?"),
    ("Every {0} takes {2} days.", "How many days does a {0} take?"),
    ("If the {0} is gone, ask {1} first.", "What do I do if the {0} is gone?"),
    ("When the {0} does not work, press {1} and try again.", "What if the {0} does not work?"),
    ("The {0} was made in {2}.", "When was the {0} made?"),
)


def exercise(rng: Random, topics: list[Topic]) -> str:
    """One reading exercise as a conversation."""
    return rng.choice((answer_from_passages, answer_from_passages, repeat, name_the_passage))(rng, topics)


def answer_from_passages(rng: Random, topics: list[Topic]) -> str:
    """Find the sentence and copy it, with the number of its passage."""
    facts = [fact(rng, topic) for topic in rng.sample(topics, rng.randint(1, 3))]
    passages = [passage(rng, topic, said) for topic, said, _ in facts]
    wanted = rng.randrange(len(facts))
    gap = rng.choice(("\n", "\n\n", "\n\n"))
    numbered = gap.join(f"[{number}] {text}" for number, text in enumerate(passages, start=1))
    answer = f"{facts[wanted][1]} [{wanted + 1}]"
    question, task = facts[wanted][2], rng.choice(TASKS)
    # the task and the passages in the system's turn, or either of them in the user's
    match rng.randrange(4):
        case 0:
            return chat(question, answer, f"{task}\n\n{numbered}")
        case 1:
            return chat(f"{numbered}\n\n{question}", answer, task)
        case _:
            return chat(f"{task}\n\n{numbered}\n\n{question}", answer)


def name_the_passage(rng: Random, topics: list[Topic]) -> str:
    """Only the number of the passage that speaks of a topic."""
    few = rng.sample(topics, rng.randint(2, 4))
    numbered = "\n".join(
        f"[{number}] {capital(rng.choice(topic.events))}." for number, topic in enumerate(few, start=1)
    )
    wanted = rng.randrange(len(few))
    return chat(f"{numbered}\n\nWhich one is about {few[wanted].name}?", f"[{wanted + 1}]")


def repeat(rng: Random, topics: list[Topic]) -> str:
    """Say the same again: words that nobody has seen, or a sentence."""
    if rng.random() < 0.5:
        text = " ".join(made_up(rng) for _ in range(rng.randint(2, 8)))
    else:
        text = capital(rng.choice(rng.choice(topics).events)) + "."
    return chat(rng.choice(("Repeat: {0}", "Say this again: {0}", "Write the same: {0}")).format(text), text)


def fact(rng: Random, topic: Topic) -> tuple[Topic, str, str]:
    """A topic, a made-up sentence about one of its things, and the question it answers."""
    said, asked = rng.choice(FACTS)
    thing = rng.choice(topic.things)
    if rng.random() < 0.3:
        thing = f"{made_up(rng)} {thing}"
    place = rng.choice((capital(made_up(rng)), f"the {made_up(rng)}", f"the {rng.choice(topic.things)}"))
    filled = said.format(thing, place, rng.randint(2, 1999))
    return topic, capital(filled), asked.format(thing)


def passage(rng: Random, topic: Topic, said: str) -> str:
    """The sentence among a few others of its topic."""
    others = [capital(event) + "." for event in rng.sample(topic.events, rng.randint(0, 3))]
    others.insert(rng.randint(0, len(others)), said)
    heading = f"{capital(topic.name)}\n" if rng.random() < 0.3 else ""
    return heading + " ".join(others)


def made_up(rng: Random) -> str:
    """A word of two or three syllables that means nothing."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 3)))
