"""E-mail addresses and phone numbers, and what only looks like them."""

from __future__ import annotations

import pytest

from engine.data.privacy.detector import Detector
from tests.engine.data.privacy.texts import texts


@pytest.mark.parametrize(
    "address",
    [
        "a@b.co",
        "first.last+tag@sub.example.co.uk",
        "ünal@exämple.de",
        "o'neil@corp.ie",
        "x_1@xn--mnchen-3ya.de",
    ],
)
def test_addresses_are_found_whole(address: str) -> None:
    assert texts(f"Write to <{address}>, please.", "email") == [address]


def test_a_spelt_out_address_is_one_too() -> None:
    assert texts("me: john [at] example [dot] com", "email") == ["john [at] example [dot] com"]


def test_quotes_and_assignments_are_no_part_of_an_address() -> None:
    assert texts('{"to":"bob@corp.com","cc"=\'al@corp.com\'}', "email") == ["bob@corp.com", "al@corp.com"]


@pytest.mark.parametrize(
    "number",
    [
        "+1-984-182-0190",
        "+46 (0)8 928 571 38",
        "(212) 555-0123",
        "905-674-3793",
        "07700 900 123",
        "030 901820",
    ],
)
def test_numbers_in_the_forms_that_people_write_are_found(number: str) -> None:
    assert texts(f"Reach me: {number}.", "phone") == [number]


def test_an_extension_belongs_to_the_number() -> None:
    assert texts("call 345-899-3560x4587 now", "phone") == ["345-899-3560x4587"]


def test_a_short_local_number_needs_words() -> None:
    assert texts("my phone is 467 3395", "phone") == ["467 3395"]
    assert texts("there were 467 3395 of them", "phone") == []


def test_a_number_after_order_or_invoice_is_none() -> None:
    assert texts("invoice 212-555-0123", "phone") == []


def test_regions_can_be_chosen() -> None:
    text = "030 901820"
    assert [one.kind for one in Detector(["phone"], regions=["DE"]).find(text)] == ["phone"]
    assert Detector(["phone"], regions=["US"]).find(text) == []
