"""What the columns of a file of complaints are: by their names in several languages, or named by the user.

Where no name says so, the column with the longest texts is the complaint.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean

from store.errors import UsageError

PARTS: dict[str, tuple[str, ...]] = {
    "comment": (
        "complaint", "comment", "feedback", "reason", "note", "notes", "issue", "problem", "description",
        "wrong", "remark", "beschwerde", "reklamation", "kommentar", "anmerkung", "bemerkung", "grund",
        "fehler", "falsch", "ruckmeldung", "queja", "reclamacion", "comentario", "motivo", "plainte",
        "commentaire", "remarque", "reclamo", "commento", "reclamacao", "klacht", "opmerking",
    ),
    "input": (
        "input", "question", "message", "prompt", "query", "request", "utterance", "user", "customer", "text",
        "frage", "anfrage", "nachricht", "eingabe", "pregunta", "consulta", "mensaje", "demande", "domanda",
        "richiesta", "pergunta", "mensagem", "vraag",
    ),
    "expected": (
        "expected", "correct", "correction", "right_answer", "reference", "gold", "ideal", "erwartet",
        "korrektur", "richtig", "esperado", "correcto", "attendu", "atteso",
    ),
    "output": (
        "output", "answer", "response", "reply", "assistant", "completion", "bot", "antwort", "ausgabe",
        "respuesta", "reponse", "risposta", "resposta", "antwoord",
    ),
    "count": (
        "count", "frequency", "times", "n", "occurrences", "weight", "anzahl", "haufigkeit", "menge",
        "cantidad", "veces", "fois", "aantal",
    ),
    "category": ("category", "label", "failure", "type", "kategorie", "categoria", "categorie", "tipo"),
    "time": ("time", "date", "timestamp", "created", "created_at", "datum", "zeit", "fecha", "data"),
    "id": ("id", "ticket", "ticket_id", "case", "trace_id", "nummer", "numero"),
}  # fmt: skip
"""What each part of a complaint is called, without accents; the likeliest first."""
OTHER = {
    "name", "email", "mail", "phone", "telefon", "address", "adresse", "agent", "channel", "kanal",
    "language", "sprache", "country", "land", "version", "status", "priority", "severity", "score",
}  # fmt: skip
"""A column whose name ends so is about something else: a `customer name` is no question."""
LONG = 5
"""A known word so long may end another, or begin it: `Kundenfrage`, `Beschwerdetext`."""
SENTENCE = 3
"""Texts of so many words on average are what somebody wrote; a name of more is no column's."""


def columns_of(
    columns: Iterable[str],
    file: str,
    named: Mapping[str, str] | None = None,
    rows: Sequence[Mapping[str, object]] = (),
) -> dict[str, str]:
    """Which column is what; each is one thing. `named` goes first, then whole names, then words of a name.

    Of a name's words the last that is known decides: a `user feedback` is feedback. Where no name is known,
    `rows` say which column holds texts. Raises UsageError where a named column is not there, or neither a
    question nor a complaint is.
    """
    given = {str(column): words_of(str(column)) for column in columns}
    found = dict(named or {})
    for part, column in found.items():
        if part not in PARTS or column not in given:
            raise UsageError(
                "No such part or column",
                f"{part}={column}: parts are {', '.join(PARTS)}; {file} has {', '.join(given)}.",
                "Write it as --map comment=COLUMN.",
            )
    for part, known in PARTS.items():
        whole = {"_".join(words): column for column, words in given.items() if column not in found.values()}
        fitting = [whole[name] for name in known if name in whole]
        if fitting:
            found.setdefault(part, fitting[0])
    for column, words in given.items():
        if column not in found.values() and (guessed := part_of(words)):
            found.setdefault(guessed, column)
    if "input" not in found and "comment" not in found and (text := wordiest(given, found.values(), rows)):
        found["comment"] = text
    if "input" not in found and "comment" not in found:
        raise UsageError(
            "Which column holds the complaint?",
            f"{file} has {', '.join(given) or 'no columns'}.",
            "Name it: --map comment=COLUMN, or --map input=COLUMN for what was asked. Where the first line "
            "is a complaint already, put a line with names above it.",
        )
    return found


def wordiest(
    columns: Iterable[str], taken: Collection[str], rows: Sequence[Mapping[str, object]]
) -> str | None:
    """The column whose texts have most words; None where none has sentences, or its name is one itself."""
    lengths = {
        column: fmean(len(str(row.get(column) or "").split()) for row in rows)
        for column in columns
        if rows and column not in taken and len(column.split()) <= SENTENCE
    }
    best = max(lengths, key=lambda column: lengths[column], default=None)
    return best if best is not None and lengths[best] >= SENTENCE else None


def part_of(words: Iterable[str]) -> str | None:
    """What a column of these words is, by the last that is known; what a word begins with counts less."""
    backwards = list(words)[::-1]
    if backwards and backwards[0] in OTHER:
        return None
    for fits in (_is_or_ends, _begins):
        for word in backwards:
            for part, known in PARTS.items():
                if any(fits(word, one) for one in known):
                    return part
    return None


def _is_or_ends(word: str, known: str) -> bool:
    return known in (word, word.removesuffix("s")) or (len(known) >= LONG and word.endswith(known))


def _begins(word: str, known: str) -> bool:
    return len(known) >= LONG and word.startswith(known) and len(word) - len(known) >= len("text")


def words_of(name: str) -> list[str]:
    """The words of a column's name: no case, no accents."""
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).casefold()
    return re.findall(r"[a-z0-9]+", "".join(one for one in plain if not unicodedata.combining(one)))
