"""What a detector finds, and which kinds of things there are.

Nothing here looks at text; the detectors do, a file each.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Pii = Literal[
    "email",
    "phone",
    "card",
    "iban",
    "bank_account",
    "ip",
    "mac",
    "national_id",
    "birth_date",
    "address",
    "person",
    "crypto_address",
]
Secret = Literal["private_key", "seed_phrase", "api_key", "credentials", "password"]
Kind = Literal[Pii, Secret]
Family = Literal["pii", "secrets"]

PII: tuple[Pii, ...] = get_args(Pii)
SECRETS: tuple[Secret, ...] = get_args(Secret)
FAMILIES: dict[str, tuple[Kind, ...]] = {"pii": PII, "secrets": SECRETS}

NAMES: dict[str, str] = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "card": "payment cards",
    "iban": "IBANs",
    "bank_account": "bank account numbers",
    "ip": "IP addresses",
    "mac": "MAC addresses",
    "national_id": "identity numbers",
    "birth_date": "dates of birth",
    "address": "postal addresses",
    "person": "names of people",
    "crypto_address": "crypto addresses",
    "private_key": "private keys",
    "seed_phrase": "seed phrases",
    "api_key": "API keys and tokens",
    "credentials": "logins inside URLs",
    "password": "passwords",
}
"""What people call the things of a kind."""


class Found(msgspec.Struct, frozen=True):
    """One thing found: `text` is what stands at [start, end), offsets in characters.

    `score` in (0, 1] is how sure the detector is: 1 where a checksum or an unmistakable form vouches for it,
    0.5 where only the words around it do. `detail` narrows the kind: `US SSN`, `Stripe`, `Visa`.
    """

    kind: Kind
    start: int
    end: int
    text: str
    score: float
    detail: str = ""
