"""All detectors together: offsets, overlaps, kinds, and that no text makes them fail."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.privacy.detector import Detector, kinds_of, resolved
from engine.data.privacy.found import NAMES, PII, SECRETS, Found
from store.errors import UsageError
from tests.engine.data.privacy.texts import any_text, ascii_soup, find, kinds, private_text


@settings(deadline=None)
@given(text=st.one_of(any_text, ascii_soup, private_text))
def test_spans_are_those_of_the_text_in_order_and_apart(text: str) -> None:
    found = find(text)
    assert [one.text for one in found] == [text[one.start : one.end] for one in found]
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(one.text and 0 < one.score <= 1 for one in found)


@settings(deadline=None)
@given(texts=st.lists(st.one_of(any_text, ascii_soup, private_text), max_size=5))
def test_texts_searched_together_give_what_each_gives_alone(texts: list[str]) -> None:
    assert Detector().find_many(texts) == [Detector().find(text) for text in texts]


def test_offsets_count_characters_whatever_stands_before() -> None:
    text = "\U0001f600 İstanbul ÇŞ e\u0301 ß: bob@corp.com"
    assert [text[one.start : one.end] for one in find(text)] == ["bob@corp.com"]


def test_the_more_specific_find_wins_an_overlap() -> None:
    assert kinds("postgres://app:s3cr3tPw@db.example.com/x") == ["credentials"]
    assert kinds("call 4111 1111 1111 1111") == ["card"]


def test_equal_kinds_that_overlap_leave_the_longer() -> None:
    short, long = Found("person", 3, 7, "Anna", 0.6), Found("person", 3, 12, "Anna Berg", 0.6)
    assert resolved([short, long]) == [long]


def test_only_the_kinds_that_were_asked_for_are_found() -> None:
    text = "bob@corp.com password: hunter2!x"
    assert [one.kind for one in Detector(["email"]).find(text)] == ["email"]
    assert [one.kind for one in Detector(SECRETS).find(text)] == ["password"]


def test_families_and_single_kinds_have_names() -> None:
    assert kinds_of(["pii"]) == PII
    assert kinds_of(["secrets", "email", "email"]) == (*SECRETS, "email")
    assert set(NAMES) == {*PII, *SECRETS}
    with pytest.raises(UsageError):
        kinds_of(["emails"])


def test_long_text_without_white_space_is_searched_in_bounded_time() -> None:
    for letter in ("a", "0", "a@", "1.", ":", "0x", "-", "Mr ", "password", "1 ", "A1 "):
        find(letter * (20_000 // len(letter)))


@pytest.mark.parametrize(
    "text",
    [
        "The order 905-674-3793 was shipped on 2024-01-05 12:30:45 for 1,234,567.89 USD.",
        "Version 1.2.3.4 needs build 10.0.19041.1 and 20 - 15 - 3 = 2 of 1 234 567 890.",
        "tx 0x" + "ab" * 32 + " is in block 18000000",
        "Use std::vector<int> and a::b at 12:30:45, ISBN 978-3-16-148410-0.",
        "The password is required. Your token is invalid. Keep the secret: never share it.",
        "password = os.environ['DB_PASSWORD']; api_key = get_key(); token: <your-token-here>",
        "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n#### 72",
        "@app.route('/') def f(x): return logo@2x.png, lodash@4.17.21",
        "digits 0 1 2 3 4 5 6 7 8 9, compute the answer for 3593290, see medium.com/@jane.doe",
        "I AM MISSING CASH. firstName: String. Dear Boss, ftp://user:password@ftp.example.com",
        "In 2019-2020 we had 3 places in Paris, 5 streets wide.",
    ],
)
def test_what_only_looks_private_is_left_alone(text: str) -> None:
    assert find(text) == []
