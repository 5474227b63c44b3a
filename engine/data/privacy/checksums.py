"""The encodings that coins write addresses and keys in, each with its own checksum."""

from __future__ import annotations

import base64
import binascii
import hashlib

from engine.data.privacy.keccak import keccak_256

BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CONSTANTS = {1, 0x2BC830A3}  # Bech32 (BIP-173), Bech32m (BIP-350)


def base58(text: str, alphabet: str = BITCOIN) -> bytes | None:
    """The bytes that base-58 digits stand for, leading zeros kept; None for other characters."""
    number = 0
    for char in text:
        digit = alphabet.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58check(text: str, alphabet: str = BITCOIN) -> bytes | None:
    """Version and payload, where the last four bytes are their double SHA-256; else None."""
    decoded = base58(text, alphabet)
    if decoded is None or len(decoded) < 5:
        return None
    payload, check = decoded[:-4], decoded[-4:]
    return payload if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4] == check else None


def ss58(text: str) -> bool:
    """Whether this is an address of Polkadot's kind: base-58 with a BLAKE2b checksum."""
    decoded = base58(text)
    if decoded is None or len(decoded) not in (35, 36):
        return False
    return hashlib.blake2b(b"SS58PRE" + decoded[:-2]).digest()[:2] == decoded[-2:]


def bech32_prefix(text: str) -> str:
    """The human-readable part of a Bech32 or Bech32m string whose checksum is right; else empty."""
    if text not in (text.lower(), text.upper()):
        return ""
    prefix, one, data = text.lower().rpartition("1")
    if not one or not prefix or len(data) < 6 or any(char not in BECH32 for char in data):
        return ""
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    values += [BECH32.index(char) for char in data]
    return prefix if _polymod(values) in _CONSTANTS else ""


def stellar(text: str) -> bool:
    """Whether this is a strkey: base-32 with a CRC-16 (XModem), low byte first."""
    try:
        decoded = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) == 35 and binascii.crc_hqx(decoded[:-2], 0) == int.from_bytes(decoded[-2:], "little")


def eip55(address: str) -> bool | None:
    """Whether the case of a 0x address is its checksum (EIP-55); None where it is all of one case."""
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return None
    hashed = keccak_256(digits.lower().encode()).hex()
    return all(
        char.isdigit() or char.isupper() == (int(nibble, 16) >= 8)
        for char, nibble in zip(digits, hashed, strict=False)
    )


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= generator
    return check
