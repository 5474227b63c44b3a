"""All detectors together on one text: `Detector().find(text)` gives spans that do not overlap.

Where two finds overlap, the more specific kind stays (a checksum says more than a form), then the surer, then
the longer one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from engine.data.privacy.addresses import addresses
from engine.data.privacy.api_keys import api_keys
from engine.data.privacy.bank_accounts import bank_accounts, ibans
from engine.data.privacy.birth_dates import birth_dates
from engine.data.privacy.cards import cards
from engine.data.privacy.emails import emails
from engine.data.privacy.found import FAMILIES, Found, Kind
from engine.data.privacy.national_ids import national_ids
from engine.data.privacy.network import ip_addresses, mac_addresses
from engine.data.privacy.passwords import passwords
from engine.data.privacy.people import people
from engine.data.privacy.phones import REGIONS, phones
from engine.data.privacy.presidio import analyzer, presidio
from engine.data.privacy.reading import Reading
from engine.data.privacy.seed_phrases import seed_phrases
from engine.data.privacy.url_logins import url_logins
from engine.data.privacy.wallets import wallets
from store.errors import UsageError

ALL = tuple(kind for kinds in FAMILIES.values() for kind in kinds)

_RANK: dict[str, int] = {
    kind: rank
    for rank, kinds in enumerate(
        (
            ("private_key", "seed_phrase", "credentials"),
            ("api_key", "crypto_address", "iban", "card"),
            ("email", "password", "national_id", "birth_date", "mac", "ip"),
            ("phone", "bank_account"),
            ("address", "person"),
        )
    )
    for kind in kinds
}


class _Part(NamedTuple):
    kinds: tuple[Kind, ...]
    detect: Callable[[Reading], Iterator[Found]]


_PARTS = (
    _Part(("email",), emails),
    _Part(("card",), cards),
    _Part(("iban",), ibans),
    _Part(("bank_account",), bank_accounts),
    _Part(("ip",), ip_addresses),
    _Part(("mac",), mac_addresses),
    _Part(("national_id",), national_ids),
    _Part(("birth_date",), birth_dates),
    _Part(("address",), addresses),
    _Part(("person",), people),
    _Part(("crypto_address", "private_key"), wallets),
    _Part(("seed_phrase",), seed_phrases),
    _Part(("api_key", "private_key"), api_keys),
    _Part(("password", "api_key"), passwords),
    _Part(("credentials",), url_logins),
)


class Detector:
    """Finds the chosen kinds of things. `regions` are the countries whose national phone numbers count."""

    def __init__(self, kinds: Iterable[Kind] = ALL, regions: Iterable[str] = REGIONS) -> None:
        self.kinds = frozenset(kinds)
        self.regions = tuple(regions)
        self._parts = [part.detect for part in _PARTS if not self.kinds.isdisjoint(part.kinds)]
        if "person" in self.kinds and analyzer() is not None:
            self._parts.append(presidio)

    def find(self, text: str) -> list[Found]:
        """What stands in `text`, in order, without overlaps."""
        return self.find_many([text])[0]

    def find_many(self, texts: Iterable[str]) -> list[list[Found]]:
        """What stands in each text.

        Every detector sees all of them before the next one does: what it works with stays in the processor's
        caches, which takes a tenth off the time.
        """
        pairs: list[tuple[Reading, list[Found]]] = [(Reading(text), []) for text in texts]
        for detect in self._parts:
            for reading, found in pairs:
                found += detect(reading)
        if "phone" in self.kinds:
            for reading, found in pairs:
                found += phones(reading, self.regions)
        return [
            resolved(one for one in found if one.kind in self.kinds) if found else [] for _, found in pairs
        ]


def resolved(found: Iterable[Found]) -> list[Found]:
    """The finds that stay when those that overlap a more specific one are left out, in order of the text."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (_RANK[one.kind], -one.score, one.start - one.end, one.start)):
        at = bisect_left(kept, one.start, key=lambda other: other.start)
        clear_before = at == 0 or kept[at - 1].end <= one.start
        clear_after = at == len(kept) or one.end <= kept[at].start
        if one.start < one.end and clear_before and clear_after:
            kept.insert(at, one)
    return kept


def kinds_of(names: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds that `pii`, `secrets` or single kinds name. Raises UsageError for other names."""
    chosen: list[Kind] = []
    for name in names:
        known = FAMILIES.get(name) or tuple(kind for kind in ALL if kind == name)
        if not known:
            raise UsageError(
                f"Nothing is called {name!r} here",
                f"There are {', '.join(FAMILIES)}, or singly {', '.join(ALL)}.",
                "For example: --mask pii,secrets",
            )
        chosen += known
    return tuple(dict.fromkeys(chosen))
