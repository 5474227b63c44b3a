"""Evidence shows that something is there, and never what it is."""

from __future__ import annotations

from hypothesis import given, settings

from engine.data.privacy.evidence import masked, note
from tests.engine.data.privacy.texts import find, private_text


def test_an_address_is_shown_by_its_ends() -> None:
    assert masked(find("jane.doe@example.com")[0]) == "j***@***.com"


def test_a_seed_phrase_is_shown_by_its_length() -> None:
    text = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    assert note(find(text)[0]) == "12 words"


@settings(deadline=None)
@given(text=private_text)
def test_the_evidence_never_holds_the_value(text: str) -> None:
    for found in find(text):
        assert found.text not in note(found)
        assert sum(char in "*" for char in masked(found)) >= 3 or found.kind in ("seed_phrase", "private_key")
