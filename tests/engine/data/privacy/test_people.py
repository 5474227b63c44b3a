"""Names with words that leave no doubt, and where people live."""

from __future__ import annotations

import pytest

from tests.engine.data.privacy.texts import texts


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mr. John Smith went", "John Smith"),
        ("my name is Ada Lovelace.", "Ada Lovelace"),
        ("Dear Mrs. O'Neil,", "O'Neil"),
        ("Ich heiße Jürgen von der Heide und", "Jürgen von der Heide"),
        ("Best regards,\nŠárka Ottová", "Šárka Ottová"),
        ("I'm Ludwig Berg and", "Ludwig Berg"),
        ("Full name: Mary J. Blige", "Mary J. Blige"),
    ],
)
def test_names_are_found_after_titles_introductions_and_in_letters(text: str, name: str) -> None:
    assert texts(text, "person") == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Dear Customer,",
        "my name is not important",
        "I am Happy",
        "Best regards,\nThe Support Team",
        "12 Main Dr Apt 4",
    ],
)
def test_words_that_follow_alike_are_no_names(text: str) -> None:
    assert texts(text, "person") == []


@pytest.mark.parametrize(
    "address",
    [
        "742 Evergreen Terrace, Springfield, IL 62704",
        "1987 Diakou Street\n Suite 680",
        "Hauptstraße 5",
        "12 rue de la Paix",
        "Calle Mayor 12",
        "P.O. Box 123",
        "PSC 6293, Box 8158\nAPO AP 04336",
        "SW1A 1AA",
        "K1A 0B1",
        "Harjukuja 54",
    ],
)
def test_addresses_are_found_as_countries_write_them(address: str) -> None:
    assert texts(f"I live at {address}.", "address") == [address]


def test_a_postcode_is_found_by_its_name() -> None:
    assert texts("my zip code is 3520", "address") == ["3520"]


@pytest.mark.parametrize("text", ["5 Apples", "on page 12", "3 places in town", "He ran 10 miles. Way to go"])
def test_numbers_beside_words_are_no_address(text: str) -> None:
    assert texts(text, "address") == []
