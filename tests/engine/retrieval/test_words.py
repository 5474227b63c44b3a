"""Words as search compares them."""

from __future__ import annotations

import pytest

from engine.retrieval.words import terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wallets", ["wallet"]),
        ("the of and", []),
        ("eth_getBalance", ["eth_getbalance", "eth", "get", "balanc"]),
        ("ERC-20", ["erc-20", "erc", "20"]),
        ("v1.2", ["v1.2", "v1", "2"]),
        ("0x5aAeb6053F", ["0x5aaeb6053f"]),
        ("getBalance", ["getbalance", "get", "balanc"]),
        ("user's phrases", ["user", "phrase"]),
        ("Übergrößen", ["übergrößen"]),
        ("!?  ...", []),
        ("", []),
    ],
)
def test_words_become_stems_and_identifiers_stay_whole(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_two_forms_of_a_word_are_one_term() -> None:
    assert terms("signing") == terms("signed") == terms("Sign")
