"""Faults for a set of short labelled texts, from a seed: what is planted is known, so recall can be counted.

A near-duplicate changes 15 to 40% of the words of a text, each by a synonym, a swap with its neighbour, a
contraction made or undone, or a slip of the finger. Knows nothing of datasets or checks.
"""

from __future__ import annotations

import random
import re

import msgspec

LEAST, MOST = 0.15, 0.4

SYNONYMS = {
    word: [other for other in group if other != word]
    for group in (
        ["get", "receive", "obtain"],
        ["card", "bank card"],
        ["money", "funds", "cash"],
        ["transfer", "wire", "send"],
        ["account", "profile"],
        ["payment", "transaction", "purchase"],
        ["help", "assist", "support"],
        ["need", "require", "want"],
        ["want", "wish", "would like"],
        ["show", "display", "reveal"],
        ["showing", "appearing", "visible"],
        ["charged", "billed"],
        ["charge", "fee", "cost"],
        ["cancel", "stop", "revoke"],
        ["cancelled", "stopped", "revoked"],
        ["wrong", "incorrect", "mistaken"],
        ["lost", "misplaced", "missing"],
        ["stolen", "nicked", "taken"],
        ["buy", "purchase"],
        ["find", "locate"],
        ["why", "how come"],
        ["still", "yet"],
        ["long", "much time"],
        ["arrive", "come", "turn up"],
        ["arrived", "come", "turned up"],
        ["declined", "rejected", "refused"],
        ["verify", "confirm", "check"],
        ["identity", "id"],
        ["change", "alter", "modify"],
        ["use", "utilise", "employ"],
        ["working", "functioning"],
        ["work", "function"],
        ["tell", "inform"],
        ["know", "understand", "learn"],
        ["please", "kindly"],
        ["new", "fresh"],
        ["app", "application"],
        ["phone", "mobile", "handset"],
        ["country", "nation"],
        ["currency", "money"],
        ["withdraw", "take out"],
        ["withdrawal", "cash out"],
        ["top", "load"],
        ["extra", "additional"],
        ["today", "this day"],
        ["fix", "repair", "resolve"],
        ["problem", "issue", "trouble"],
        ["make", "do", "carry out"],
        ["made", "did", "carried out"],
        ["refund", "reimbursement"],
        ["possible", "feasible"],
        ["order", "request"],
        ["someone", "somebody"],
        ["think", "believe"],
        ["through", "via"],
        ["about", "regarding"],
        ["recent", "latest"],
        ["recently", "lately"],
        ["again", "once more"],
        ["wait", "hold on"],
        ["waiting", "holding on"],
        ["happened", "occurred"],
        ["see", "notice", "view"],
        ["pending", "outstanding"],
        ["allowed", "permitted"],
        ["able", "in a position"],
        ["several", "a few"],
        ["multiple", "many"],
        ["twice", "two times"],
        ["fast", "quickly"],
        ["soon", "shortly"],
        ["explain", "clarify"],
        ["number", "amount"],
        ["add", "put"],
        ["received", "got"],
        ["got", "received"],
        ["trying", "attempting"],
        ["tried", "attempted"],
        ["reset", "renew"],
        ["unable", "powerless"],
        ["physical", "plastic"],
        ["virtual", "digital"],
        ["exchange", "conversion"],
        ["rate", "price"],
        ["delivery", "shipping"],
        ["expire", "run out"],
        ["hello", "hi"],
    )
    for word in group
    if " " not in word
}
"""What a word may be replaced by; several words where English has no single one."""

CONTRACTIONS = {
    **{
        f"{verb} not": f"{verb}n't"
        for verb in ("do", "does", "did", "is", "was", "has", "have", "had", "could")
    },
    **{f"{word} is": f"{word}'s" for word in ("what", "it", "there", "how", "that", "where", "who")},
    "i am": "I'm",
    "i have": "I've",
    "i will": "I'll",
    "i would": "I'd",
    "you are": "you're",
    "can not": "can't",
    "will not": "won't",
}
EXPANSIONS = {short.lower(): long for long, short in CONTRACTIONS.items()}
KINDS = ("synonym", "order", "contraction", "typo")


class Changed(msgspec.Struct):
    """A text made from another: `share` of its words were changed, by these kinds of change."""

    text: str
    share: float
    kinds: list[str]


def near_duplicate(text: str, chance: random.Random) -> Changed:
    """`text` with between LEAST and MOST of its words changed. ValueError for fewer than four words."""
    words = text.split()
    if len(words) < 4:
        raise ValueError("too short to change a share of it")
    least, most = max(1, round(LEAST * len(words))), max(1, int(MOST * len(words)))
    wanted = chance.randint(least, max(least, most))
    touched: set[int] = set()
    kinds: list[str] = []
    changed: dict[int, str] = {}
    for _ in range(200):
        if len(touched) >= wanted:
            break
        kind = chance.choice(KINDS)
        at = chance.randrange(len(words))
        edit = _EDITS[kind](words, at, chance)
        if edit and not touched & edit.keys() and len(touched) + len(edit) <= max(wanted, 2):
            changed |= edit
            touched |= edit.keys()
            kinds.append(kind)
    result = " ".join(word for word in (changed.get(at, word) for at, word in enumerate(words)) if word)
    return Changed(result, len(touched) / len(words), kinds)


def words_for_jaccard(text: str) -> set[str]:
    """The words that the Jaccard similarity of a planted pair is counted on: letters and digits, folded."""
    return set(re.findall(r"\w+", text.casefold()))


def jaccard(a: str, b: str) -> float:
    """The Jaccard similarity of two texts' words."""
    one, other = words_for_jaccard(a), words_for_jaccard(b)
    return len(one & other) / len(one | other) if one | other else 0.0


def _synonym(words: list[str], at: int, chance: random.Random) -> dict[int, str]:
    word, marks = _bare(words[at])
    if word.lower() not in SYNONYMS:
        return {}
    new = chance.choice(SYNONYMS[word.lower()])
    return {at: (new.capitalize() if word[:1].isupper() else new) + marks}


def _order(words: list[str], at: int, chance: random.Random) -> dict[int, str]:
    if at + 1 >= len(words) or words[at].lower() == words[at + 1].lower():
        return {}
    return {at: words[at + 1], at + 1: words[at]}


def _contraction(words: list[str], at: int, chance: random.Random) -> dict[int, str]:
    word, marks = _bare(words[at])
    if word.lower().replace("\u2019", "'") in EXPANSIONS:
        return {at: EXPANSIONS[word.lower().replace("\u2019", "'")] + marks}
    if at + 1 < len(words) and not marks:
        following, marks = _bare(words[at + 1])
        if short := CONTRACTIONS.get(f"{word} {following}".lower()):
            return {at: short + marks, at + 1: ""}
    return {}


def _typo(words: list[str], at: int, chance: random.Random) -> dict[int, str]:
    word, marks = _bare(words[at])
    if len(word) < 4 or not word.isalpha():
        return {}
    place = chance.randrange(1, len(word) - 1)
    slips = (
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + word[place + 1 :],
        word[:place] + word[place] + word[place:],
        word[:place] + chance.choice("aeionrst") + word[place + 1 :],
    )
    slip = chance.choice(slips)
    return {at: slip + marks} if slip != word else {}


def _bare(word: str) -> tuple[str, str]:
    """A word, and the punctuation after it."""
    bare = word.rstrip(".,!?;:")
    return bare, word[len(bare) :]


_EDITS = {"synonym": _synonym, "order": _order, "contraction": _contraction, "typo": _typo}
