"""Cards, IBANs, accounts, network addresses, identity numbers, dates of birth."""

from __future__ import annotations

import pytest

from tests.engine.data.privacy.texts import find, texts


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4111111111111111", "Visa"),
        ("5555-5555-5555-4444", "Mastercard"),
        ("3782 822463 10005", "American Express"),
        ("6011000990139424", "Discover"),
        ("3530111333300000", "JCB"),
    ],
)
def test_cards_are_told_by_brand_and_check_digit(number: str, brand: str) -> None:
    assert [(one.text, one.detail) for one in find(f"pay with {number} now")] == [(number, brand)]


def test_a_wrong_check_digit_is_no_card() -> None:
    assert texts("card 4111111111111112", "card") == []


def test_short_and_unknown_cards_need_words() -> None:
    assert texts("my card 501864667909", "card") == ["501864667909"]
    assert texts("item 501864667909", "card") == []


def test_the_code_on_the_card_is_found_by_its_name() -> None:
    assert texts("exp 12/27 CVV: 123", "card") == ["123"]


@pytest.mark.parametrize(
    "iban",
    ["GB29NWBK60161331926819", "DE89 3704 0044 0532 0130 00", "MT84 MALT 0110 0001 2345 MTLC AST0 01S"],
)
def test_ibans_are_found_compact_and_in_groups(iban: str) -> None:
    assert texts(f"to {iban} please", "iban") == [iban]


def test_an_iban_with_a_typing_error_counts_where_it_is_called_one() -> None:
    assert texts("IBAN: GB29NWBK60161331926818", "iban") == ["GB29NWBK60161331926818"]
    assert texts("part GB29NWBK60161331926818", "iban") == []


def test_account_numbers_are_found_by_name() -> None:
    assert texts("my account number is 12345678, sort code 12-34-56", "bank_account") == [
        "12345678",
        "12-34-56",
    ]


def test_network_addresses_of_both_versions_are_found() -> None:
    text = "from 81.2.69.142 and 2001:db8::ff00:42:8329 via 00:1B:44:11:3A:B7"
    assert [(one.kind, one.text) for one in find(text)] == [
        ("ip", "81.2.69.142"),
        ("ip", "2001:db8::ff00:42:8329"),
        ("mac", "00:1B:44:11:3A:B7"),
    ]


def test_loopback_netmasks_and_versions_are_nobodys_address() -> None:
    assert find("127.0.0.1 0.0.0.0 255.255.255.0 ::1 version 1.2.3.4 v2.0.0.1 1.2.3.4.5 300.1.1.1") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("460-89-9847", "US SSN"),
        ("SSN 460899847", "US SSN"),
        ("AB123456C", "UK National Insurance number"),
        ("12345678Z", "Spanish DNI"),
        ("RSSMRA85T10A562S", "Italian codice fiscale"),
        ("PESEL 44051401359", "Polish PESEL"),
        ("my steuer id is 36574261809", "German tax id"),
        ("131052-308T", "Finnish henkilötunnus"),
        ("CPF 390.533.447-05", "Brazilian CPF"),
        ("880320-0016", "Swedish personnummer"),
        ("passport number X1234567", "passport"),
        ("driver's license is F162823540116", "driver's license"),
    ],
)
def test_identity_numbers_are_found_by_their_own_rules(text: str, name: str) -> None:
    assert [(one.kind, one.detail) for one in find(text)] == [("national_id", name)]


def test_plain_digits_without_words_are_no_identity_number() -> None:
    assert find("44051401359 and 36574261809 and 460899847") == []


@pytest.mark.parametrize("date", ["12 March 1985", "03/04/1990", "1990-04-03", "March 12, 1985", "12.3.1985"])
def test_a_date_is_one_of_birth_only_where_words_say_so(date: str) -> None:
    assert texts(f"I was born on {date}.", "birth_date") == [date]
    assert texts(f"I was there on {date}.", "birth_date") == []
