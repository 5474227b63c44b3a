"""Crypto addresses, their private keys and seed phrases; a transaction's hash is none of these."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from engine.data.privacy import checksums
from engine.data.privacy.keccak import keccak_256
from tests.engine.data.privacy.texts import ADDRESS, find, kinds, texts

ENGLISH = Mnemonic("english")
SEED = ENGLISH.to_mnemonic(bytes(range(16)))
LONG_SEED = ENGLISH.to_mnemonic(bytes(range(32)))


def wif(key: bytes) -> str:
    """A Bitcoin private key as wallets write it."""
    from hashlib import sha256

    payload = b"\x80" + key + b"\x01"
    number = int.from_bytes(payload + sha256(sha256(payload).digest()).digest()[:4], "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = checksums.BITCOIN[digit] + digits
    return digits


def test_keccak_gives_the_digests_of_its_authors() -> None:
    assert keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak_256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_keccak_takes_more_than_one_block() -> None:
    assert keccak_256(b"a" * 135) != keccak_256(b"a" * 136) != keccak_256(b"a" * 137)


@pytest.mark.parametrize(
    ("address", "coin"),
    [
        (ADDRESS.lower(), "Ethereum"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "Ethereum"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "Bitcoin"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "Bitcoin"),
        ("rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH", "XRP"),
        ("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7", "Stellar"),
    ],
)
def test_addresses_are_told_by_their_coins_checksum(address: str, coin: str) -> None:
    assert [(one.kind, one.detail) for one in find(f"I sent it to {address}.")] == [("crypto_address", coin)]


def test_the_case_of_an_ethereum_address_is_its_checksum() -> None:
    right, wrong = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"
    assert (checksums.eip55(right), checksums.eip55(wrong), checksums.eip55(right.lower())) == (
        True,
        False,
        None,
    )
    assert find(right)[0].score > find(wrong)[0].score


@pytest.mark.parametrize(
    "address", ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp"]
)
def test_a_wrong_checksum_is_no_address(address: str) -> None:
    assert find(address) == []


def test_a_transaction_hash_is_neither_address_nor_key() -> None:
    digits = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert find(f"tx 0x{digits}") == []
    assert find(f"the transaction hash of my private transfer is {digits}") == []
    assert kinds(f"my private key is 0x{digits}") == ["private_key"]


def test_wallet_import_keys_are_private_keys() -> None:
    assert kinds(f"import {wif(bytes(range(1, 33)))} please") == ["private_key"]


@pytest.mark.parametrize(
    "written",
    [
        SEED,
        LONG_SEED,
        SEED.upper(),
        ", ".join(SEED.split()),
        "\n".join(f"{at}. {word}" for at, word in enumerate(SEED.split(), start=1)),
        json.dumps(SEED.split()),
        json.dumps(SEED.split(), separators=(",", ":")),
        " ".join(f"{at} {word}" for at, word in enumerate(SEED.split(), start=1)),
    ],
)
def test_seed_phrases_are_found_however_they_are_written(written: str) -> None:
    found = [one for one in find(f"My phrase: {written}. Help!") if one.kind == "seed_phrase"]
    assert len(found) == 1
    assert found[0].detail in ("12 words", "24 words")
    first, last = written.replace('"', " ").replace(",", " ").split(), found[0].text
    assert last.lower().endswith(SEED.split()[-1]) or last.lower().endswith(LONG_SEED.split()[-1])
    assert first


@pytest.mark.parametrize("language", ["spanish", "french", "italian", "czech", "portuguese", "korean"])
def test_other_languages_have_word_lists_too(language: str) -> None:
    assert kinds(Mnemonic(language).to_mnemonic(bytes(range(16)))) == ["seed_phrase"]


def test_a_phrase_with_words_in_another_order_still_counts_but_less() -> None:
    words = SEED.split()
    swapped = " ".join([words[1], words[0], *words[2:]])
    assert not ENGLISH.check(swapped)
    assert [one.score < 1 for one in find(swapped)] == [True]
    assert find(SEED)[0].score == 1


def test_eleven_words_or_prose_are_no_phrase() -> None:
    assert find(" ".join(SEED.split()[:11])) == []
    assert (
        find("You can always use this simple example to try any method that you like; it can not fail.") == []
    )


def test_the_word_list_itself_is_no_phrase() -> None:
    assert texts(" ".join(ENGLISH.wordlist[:200]), "seed_phrase") == []


@settings(deadline=None)
@given(entropy=st.binary(min_size=16, max_size=16))
def test_every_phrase_is_found(entropy: bytes) -> None:
    assert "seed_phrase" in kinds(f"it is {ENGLISH.to_mnemonic(entropy)}")
