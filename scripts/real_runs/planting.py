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


def with_personal_data(text: str, number: int, chance: random.Random) -> str:
    """`text` with an e-mail address, a phone number, a card number or an IBAN in a sentence of its own."""
    kind = ("email", "phone", "card", "iban")[number % 4]
    return chance.choice(SENTENCES[kind]).format(text=text.strip(), value=_VALUES[kind](chance))


SENTENCES = {
    "email": (
        "{text} Please write to me at {value}.",
        "My address is {value} - {text}",
        "{text} You can also reach me under {value}, thanks",
        "Hi, {value} here. {text}",
    ),
    "phone": (
        "{text} Call me back on {value}.",
        "{text} My number is {value} if you need it",
        "Could somebody ring {value}? {text}",
        "{text} (tel. {value})",
    ),
    "card": (
        "{text} It is the one with the number {value}.",
        "My card {value}: {text}",
        "{text} I mean {value}, the blue one",
        "Card no. {value}. {text}",
    ),
    "iban": (
        "{text} The money should go to {value}.",
        "{text} My IBAN is {value}",
        "From {value} to you. {text}",
        "I sent it from {value} yesterday. {text}",
    ),
}


def _email(chance: random.Random) -> str:
    name = chance.choice(("anna.berg", "j_smith84", "Tom.O-Neil", "li.wei", "maria+bank"))
    return f"{name}@{chance.choice(('gmail.com', 'web.de', 'post.example.org', 'mail.co.uk'))}"


def _phone(chance: random.Random) -> str:
    forms = ("+44 7911 1{}", "+49 151 234{}", "(415) 555-2{}", "+1 212 555 {}", "07700 90{}")
    form = chance.choice(forms)
    digits = {"+44 7911 1{}": 5, "+49 151 234{}": 5, "(415) 555-2{}": 3, "+1 212 555 {}": 4, "07700 90{}": 4}[
        form
    ]
    return form.format("".join(str(chance.randint(0, 9)) for _ in range(digits)))


def _card(chance: random.Random) -> str:
    digits = [4, *(chance.randint(0, 9) for _ in range(14))]
    doubled = [digit if at % 2 else sum(divmod(digit * 2, 10)) for at, digit in enumerate(digits)]
    number = "".join(map(str, [*digits, -sum(doubled) % 10]))
    mark = chance.choice((" ", "-", ""))
    return mark.join(number[at : at + 4] for at in range(0, 16, 4))


def _iban(chance: random.Random) -> str:
    account = "".join(str(chance.randint(0, 9)) for _ in range(18))
    check = 98 - int(account + "131400") % 97  # D, E as numbers and two zeros, ISO 13616
    number = f"DE{check:02d}{account}"
    return " ".join(number[at : at + 4] for at in range(0, 22, 4)) if chance.random() < 0.5 else number


_VALUES = {"email": _email, "phone": _phone, "card": _card, "iban": _iban}
