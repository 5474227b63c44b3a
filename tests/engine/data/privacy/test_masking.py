"""Masking: consistent over a conversation, JSON stays JSON, nothing that was found is left."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.privacy.detector import Detector
from engine.data.privacy.masking import SHORTEST_ECHO, Masker
from tests.engine.data.privacy.texts import any_text, ascii_soup, find, private_text

SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def mask(*texts: str) -> list[str]:
    """The texts of one conversation, masked."""
    return Masker(Detector()).mask(texts)


def test_the_same_value_has_the_same_placeholder_in_prompt_and_answer() -> None:
    assert mask("mail a@corp.com or b@corp.com", "Sent to b@corp.com and A@corp.com.") == [
        "mail <EMAIL_1> or <EMAIL_2>",
        "Sent to <EMAIL_2> and <EMAIL_1>.",
    ]


def test_separators_do_not_make_another_number() -> None:
    assert mask("card 4111 1111 1111 1111", "card 4111-1111-1111-1111") == ["card <CARD_1>", "card <CARD_1>"]


def test_a_value_found_once_is_replaced_wherever_it_stands() -> None:
    assert mask("my name is Annabel Lee", "Hi Annabel! Annabel Lee, Annabelle?") == [
        "my name is <PERSON_1>",
        "Hi <PERSON_1>! <PERSON_1>, Annabelle?",
    ]


def test_placeholders_that_are_there_already_keep_their_numbers() -> None:
    assert mask("<EMAIL_1> wrote to a@corp.com") == ["<EMAIL_1> wrote to <EMAIL_2>"]


def test_text_without_finds_comes_back_as_it_is() -> None:
    texts = ["What is 2+2?", '{"a": 1}', "", "```json\n[1]\n```"]
    assert mask(*texts) == texts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"to": "a@corp.com", "n":1}', '{"to": "<EMAIL_1>", "n":1}'),
        ('{"card": 4111111111111111}', '{"card": "<CARD_1>"}'),
        ('{"note": "line\\nmail a@corp.com\\tnow"}', '{"note": "line\\nmail <EMAIL_1>\\tnow"}'),
        ('{"password": "hunter2!x"}', '{"password": "<PASSWORD_1>"}'),
        ('Here:\n```json\n{"card": 4111111111111111}\n```', 'Here:\n```json\n{"card": "<CARD_1>"}\n```'),
    ],
)
def test_json_is_masked_inside_its_values(before: str, after: str) -> None:
    assert mask(before) == [after]


def test_a_find_across_values_of_json_replaces_each_of_them() -> None:
    masked = json.loads(mask(json.dumps({"words": SEED.split()}))[0])
    assert masked == {"words": ["<SEED_PHRASE_1>"] * 12}


def test_a_value_behind_an_escape_is_found() -> None:
    text = '{"to": "a\\u0040corp.com"}'
    assert json.loads(mask(text)[0]) == {"to": "<EMAIL_1>"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | private_text
    | st.just(4111111111111111),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(private_text, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(value=json_values, ascii_only=st.booleans())
def test_json_stays_json_of_the_same_shape(value: Any, ascii_only: bool) -> None:
    text = json.dumps({"value": value}, ensure_ascii=ascii_only)
    assert isinstance(json.loads(mask(text)[0]), dict)


@settings(deadline=None)
@given(text=st.one_of(any_text, ascii_soup, private_text), other=private_text)
def test_no_value_that_was_found_is_left(text: str, other: str) -> None:
    masked = "\n".join(mask(text, other))
    for found in [*find(text), *find(other)]:
        if found.kind != "person" and len(found.text) >= SHORTEST_ECHO:
            assert found.text not in masked


@settings(deadline=None)
@given(text=st.one_of(ascii_soup, private_text))
def test_masked_text_holds_nothing_more_to_mask(text: str) -> None:
    masked = mask(text)
    assert mask(*masked) == masked
