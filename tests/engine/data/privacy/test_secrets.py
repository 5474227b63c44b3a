"""Keys, tokens and passwords by form and by name; placeholders and talk about them are none."""

from __future__ import annotations

import pytest

from engine.data.privacy.passwords import entropy, looks_random
from tests.engine.data.privacy.texts import find, kinds, texts

A = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.mark.parametrize(
    ("key", "maker"),
    [
        ("AKIAIOSFODNN7EXAMPLE", "AWS"),
        (f"ghp_{A}", "GitHub"),
        (f"glpat-{A[:20]}", "GitLab"),
        (f"xoxb-123456789012-{A[:24]}", "Slack"),
        (f"sk_live_{A[:24]}", "Stripe"),
        (f"sk-proj-{A}{A}", "OpenAI"),
        (f"sk-ant-api03-{A}{A}", "Anthropic"),
        (f"AIza{A[:35]}", "Google"),
        (f"npm_{A}", "npm"),
        (f"hf_{A[:34]}", "Hugging Face"),
        (f"AC{HEX}", "Twilio"),
        (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{A}", "JWT"),
    ],
)
def test_keys_are_known_by_their_makers_form(key: str, maker: str) -> None:
    assert [(one.kind, one.text, one.detail) for one in find(f"use {key} for it")] == [
        ("api_key", key, maker)
    ]


def test_private_key_files_are_found_whole_and_cut_off() -> None:
    block = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    assert texts(f"key:\n{block}\nthanks", "private_key") == [block]
    assert kinds(block[:60]) == ["private_key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: hunter2!x", "hunter2!x"),
        ('{"db_password": "S3cret pass"}', ""),
        ("DB_PASSWORD=tr0ub4dor", "tr0ub4dor"),
        ("my password is Tr0ub4dor&3, thanks", "Tr0ub4dor&3"),
        ("Passwort: geheim123", "geheim123"),
        ("my PIN is 4821", "4821"),
    ],
)
def test_passwords_are_found_by_name(text: str, value: str) -> None:
    assert texts(text, "password") == ([value] if value else [])


@pytest.mark.parametrize(
    "text",
    [
        "password: ********",
        "password=<your password>",
        "password: ${DB_PASSWORD}",
        "the password is wrong",
        "password: required",
    ],
)
def test_placeholders_and_talk_are_no_passwords(text: str) -> None:
    assert find(text) == []


def test_a_value_called_a_key_must_look_drawn_by_chance() -> None:
    assert texts(f"api_key = '{HEX}'", "api_key") == [HEX]
    assert texts("api_key = 'aaaaaaaaaaaaaaaaaaaaaaa1'", "api_key") == []
    assert texts("token: internationalization", "api_key") == []


def test_logins_inside_urls_are_found_without_the_rest() -> None:
    assert texts("postgres://app:s3cr3tPw@db.local:5432/x", "credentials") == ["app:s3cr3tPw"]
    assert texts("https://user:password@example.com", "credentials") == []


def test_entropy_is_in_bits_per_character() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
    assert looks_random(HEX)
    assert not looks_random(HEX[:15])
