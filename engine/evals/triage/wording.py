"""The words by which people complain, by category, in several languages. Knows no files and no failures.

A word counts as a whole, and where the same word is said of an answer and of the product (an assistant
refuses a question, a shop refuses a card), what stands beside it must say that the answer is meant.
Apostrophes are straight.
"""

from __future__ import annotations

import re

from store.records.triage import Category

_BOT = r"(?:it|bot|chat ?bot|assistant|agent|model|ai|system|answer|reply|response)"
_ASKED = r"(?:questions?|requests?|prompts?|quer(?:y|ies)|messages?|answers?|help)"
_THING = (
    r"(?:cards?|payments?|transfers?|transactions?|purchases?|orders?|refunds?|applications?|loans?|claims?|"
    r"che(?:que|ck)s?|bookings?|accounts?|money|cash|coupons?|vouchers?|deposits?|withdrawals?|pins?)"
)
_SAY = (
    r"(?:answer|reply|respond|help|assist|say|tell|explain|discuss|talk|give|show|do|write|translate|engage)"
)
_PAPER = r"(?:documents?|articles?|pages?|sources?|passages?|answers?|information|polic(?:y|ies)|anything)"

WORDS: tuple[tuple[Category, tuple[str, ...]], ...] = (
    (
        "safety",
        (
            r"unsafe|phishing|dangerous|private data|personal data|seed phrases?",
            r"leak(?:ed|s|ing) (?:\w+ ){0,3}(?:data|passwords?|keys?|address(?:es)?|numbers?|secrets?)",
            r"(?:shows?|showed|reveal(?:s|ed)|asks?|asked)(?: \w+)?(?: for)? (?:my|a|the|your) passwords?",
            r"gefährlich\w*|peligros\w*|dangereu\w*|verrät (?:\w+ ){0,3}passw\w+|persönliche daten",
        ),
    ),
    (
        "tool",
        (
            r"wrong (?:tool|function|api|arguments?)|tool calls?|called the wrong|did ?n'?t call",
            r"falsche[ns]? (?:funktion|werkzeug)|herramienta equivocada|mauvais outil",
        ),
    ),
    (
        "format",
        (
            r"json|formats?|formatted|formatting|schema|malformed|pars(?:e[ds]?|ing|er)|markdown",
            r"cut off|truncated|formato?|abgeschnitten|cortad[oa]s?|tronqué\w*",
        ),
    ),
    (
        "refusal",
        (
            rf"(?:refus|declin)(?:e|es|ed|ing)(?: \w+)? to {_SAY}",
            rf"{_BOT}(?: \w+)? (?:refus|declin)(?:es|ed)(?!(?: \w+){{0,2}} {_THING}\b)(?! to\b)",
            rf"(?:refus|declin)(?:es|ed|ing) (?:\w+ ){{0,2}}{_ASKED}",
            rf"refusals?(?! (?:of|for) (?:\w+ )?{_THING}\b)|over-?refus\w+",
            r"(?:won|would ?n)'?t (?:answer|help|say|tell)|says it (?:can'?t|cannot)|can'?t help",
            r"(?:ver)?weigert\w*|lehnt (?:es|(?:die|meine|jede) (?:frage|anfrage|antwort)) ab",
            r"se niega|rechaza (?:responder|contestar|la pregunta)|si rifiuta|refuse de répondre",
        ),
    ),
    (
        "knowledge",
        (
            r"out ?dated|out[ -]of[ -]date|old (?:prices?|fees?|versions?|polic(?:y|ies))|stale|has changed",
            r"(?:is|are)(?: \w+)? no longer|no longer (?:true|valid|right|appl(?:y|ies)|exists?|offered)",
            r"veraltet\w*|(?:gilt|gibt es|stimmt) nicht mehr|desactualizad[oa]s?|ya no|obsol\w+",
            r"n'est plus|non è più",
        ),
    ),
    (
        "retrieval",
        (
            rf"(?:\w*n't|not) find (?:\w+ ){{0,2}}{_PAPER}",
            r"(?:wrong|missing) (?:document|article|page|source|passage)s?",
            r"nicht gefunden|falsche[rns]? (?:dokument|artikel|quelle|seite)|documento equivocado",
            r"mauvais (?:document|article)",
        ),
    ),
    (
        "hallucination",
        (
            r"ma(?:de|kes|king) ?(?:it|this|that|things|stuff|facts)? ?up|invent(?:s|ed|ing)?|hallucinat\w+",
            r"does ?n'?t exist|(?:does )?not exist|fabricat\w+|erfunden\w*|erfindet|inventad[oa]s?|inventa",
            r"gibt es (?:gar )?nicht|no existe|n'existe pas|inventé\w*",
        ),
    ),
    (
        "tone",
        (
            r"rude(?:ly|ness)?|tone|impolite\w*|unfriendly|condescending\w*|verbose|arrogant",
            r"too (?:long|short|formal|informal|casual|wordy)|unhöflich\w*|unfreundlich\w*|zu (?:lang|kurz)",
            r"groser[oa]s?|demasiado (?:larg|cort)[oa]s?|impoli\w*|trop (?:longu?e?|courte?)",
        ),
    ),
    (
        "product",
        (
            r"features?|not supported by (?:the )?(?:app|product)|buttons?|screens?|please add|slow",
            r"crash(?:es|ed|ing)?|absturz|stürzt (?:\w+ ){0,3}ab|langsam\w*|lent[oae]s?|se cuelga|plante",
        ),
    ),
)
PATTERNS = tuple(
    (category, re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)) for category, words in WORDS
)
