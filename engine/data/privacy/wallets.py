"""Addresses and private keys of crypto wallets. A transaction's hash is neither.

Where a coin's encoding has a checksum it decides; the rest needs words nearby.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy import checksums
from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words

SHORTEST = 25
_HEX_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}\Z")
_HEX_KEY = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}\Z")
_CASH = re.compile(r"bitcoincash:[qp][02-9ac-hj-np-z]{41}\b")
_NEAR_ADDRESS = words(
    "address", "addr", "wallet", "account", "send", "sent", "to", "from", "deposit", "withdraw", "recipient"
)
_NEAR_SOLANA = words("solana", "sol", "phantom", "pubkey", "public key", "wallet", "address", "account")
_NEAR_KEY = words(
    "private key", "privatekey", "privkey", "priv key", "secret key", "secretkey", "secret", "pk",
    "signing key",
    "keystore", "import wallet", "wallet key",
)  # fmt: skip
_NEAR_HASH = words(
    "tx",
    "txid",
    "txhash",
    "transaction",
    "hash",
    "block",
    "sha256",
    "sha",
    "digest",
    "commit",
    "public key",
    "pubkey",
)
_WIF = {0x80: "Bitcoin", 0xEF: "Bitcoin testnet", 0xB0: "Litecoin", 0x9E: "Dogecoin", 0xCC: "Dash"}
_COINS = {
    0x00: "Bitcoin",
    0x05: "Bitcoin",
    0x30: "Litecoin",
    0x32: "Litecoin",
    0x1E: "Dogecoin",
    0x4C: "Dash",
    0x41: "Tron",
}
_EXTENDED_PRIVATE = ("xprv", "yprv", "zprv", "tprv", "uprv", "vprv")
_HRP = {
    "bc": "Bitcoin",
    "tb": "Bitcoin testnet",
    "ltc": "Litecoin",
    "addr": "Cardano",
    "cosmos": "Cosmos",
    "npub": "Nostr",
}


def wallets(reading: Reading) -> Iterator[Found]:
    """Crypto addresses, and the private keys that spend from them."""
    for token in reading.mixed:
        written = token.group()
        if len(written) < SHORTEST or not reading.stands_alone(*token.span()):
            continue
        if found := _judge(reading, token.start(), token.end(), written):
            yield found
    if "bitcoincash:" in reading.text:
        for match in _CASH.finditer(reading.text):
            yield reading.found("crypto_address", *match.span(), 0.9, "Bitcoin Cash")


def _judge(reading: Reading, start: int, end: int, written: str) -> Found | None:
    if _HEX_ADDRESS.match(written):
        right = checksums.eip55(written)
        near = reading.near(_NEAR_ADDRESS, start, end)
        score = 1.0 if right else 0.9 if right is None else 0.6 if near else 0.5
        return reading.found("crypto_address", start, end, score, "Ethereum")
    if _HEX_KEY.match(written):
        return _hex_key(reading, start, end)
    if secret := _private_key(written):
        return reading.found("private_key", start, end, 1.0, secret)
    if coin := _coin(written):
        return reading.found("crypto_address", start, end, 1.0, coin)
    if 32 <= len(written) <= 44 and reading.near(_NEAR_SOLANA, start, end) and _is_solana(written):
        return reading.found("crypto_address", start, end, 0.6, "Solana")
    if 87 <= len(written) <= 88 and reading.near(_NEAR_KEY, start, end) and _has_bytes(written, 64):
        return reading.found("private_key", start, end, 0.9, "Solana")
    return None


def _hex_key(reading: Reading, start: int, end: int) -> Found | None:
    """64 hexadecimal digits are a key where the nearer words say key, not hash."""
    left = reading.lower[max(0, start - 60) : start]
    key = max((match.end() for match in _NEAR_KEY.finditer(left)), default=-1)
    other = max((match.end() for match in _NEAR_HASH.finditer(left)), default=-1)
    return reading.found("private_key", start, end, 0.9, "64 hex digits") if key > other else None


def _private_key(written: str) -> str:
    """Whose private key this is, by its encoding; empty for none."""
    if written.startswith(_EXTENDED_PRIVATE) and len(written) > 100 and checksums.base58check(written):
        return "extended key"
    if written[0] == "S" and len(written) == 56 and checksums.stellar(written):
        return "Stellar"
    if written.startswith("nsec1") and checksums.bech32_prefix(written) == "nsec":
        return "Nostr"
    if 50 <= len(written) <= 52 and (payload := checksums.base58check(written)) and len(payload) in (33, 34):
        return _WIF.get(payload[0], "")
    return ""


def _coin(written: str) -> str:
    """Whose address this is, by its checksum; empty for none."""
    if len(written) <= 36 and (payload := checksums.base58check(written)) and len(payload) in (21, 22):
        return _COINS.get(payload[0], "Zcash" if len(payload) == 22 else "base58")
    if (
        written[0] == "r"
        and len(written) <= 35
        and (payload := checksums.base58check(written, checksums.RIPPLE))
    ):
        return "XRP" if len(payload) == 21 else ""
    if "1" in written and (prefix := checksums.bech32_prefix(written)):
        return _HRP.get(prefix, prefix)
    if written[0] == "G" and len(written) == 56 and checksums.stellar(written):
        return "Stellar"
    if written[0] in "48" and len(written) in (95, 106) and checksums.base58(written) is not None:
        return "Monero"
    if written.startswith(("xpub", "ypub", "zpub", "tpub")) and checksums.base58check(written):
        return "extended public key"
    return "Polkadot" if 46 <= len(written) <= 49 and checksums.ss58(written) else ""


def _is_solana(written: str) -> bool:
    return (
        any(map(str.isdigit, written))
        and written not in (written.lower(), written.upper())
        and _has_bytes(written, 32)
    )


def _has_bytes(written: str, count: int) -> bool:
    decoded = checksums.base58(written)
    return decoded is not None and len(decoded) == count
