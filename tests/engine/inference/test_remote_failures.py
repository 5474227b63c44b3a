"""A model behind an API that refuses, fails, is slow or is not there, played by a server on this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from engine.inference.remote import UNCOUNTED, RemoteComposition
from engine.inference.remote_api import TRIES, RemoteApi
from store.errors import MissingError, TemperError, UsageError
from store.records.workspace import RemoteModel, ResolvedVariant
from tests.engine.inference.api_stage import (
    HELLO,
    Api,
    variant,
    variant_with_key,
)


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "did not take the request"),
        (401, "refused the key"),
        (403, "refused the key"),
        (404, "does not know that model or address"),
        (302, "sends questions elsewhere"),
    ],
)
def test_a_refusal_is_a_titled_error(api: Api, teacher: RemoteComposition, status: int, title: str) -> None:
    api.status = status

    with pytest.raises(UsageError, match=title):
        teacher.answer(HELLO)
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("status", "title"),
    [(429, "wants no more questions now"), (500, "did not answer"), (503, "did not answer")],
)
def test_a_busy_api_is_asked_again_a_few_times(
    api: Api, hasty: RemoteComposition, status: int, title: str
) -> None:
    api.statuses = [status, status]
    assert hasty.answer(HELLO).text == "Hi"
    assert len(api.asked) == 3

    api.status = status
    with pytest.raises(TemperError, match=title):
        hasty.answer(HELLO)
    assert len(api.asked) == 3 + TRIES


@pytest.mark.parametrize("said", ["0", "Sat, 28 Nov 2020 00:00:00 GMT"])
def test_retry_after_says_when_to_ask_again(api: Api, said: str) -> None:
    api.statuses, api.headers = [429], {"Retry-After": said}
    patient = RemoteComposition(variant(api), api=RemoteApi(RemoteModel(api.url, "big"), wait_seconds=3600))

    assert patient.answer(HELLO).text == "Hi"  # without the header it would have waited a minute
    patient.close()


@pytest.mark.parametrize("said", ["soon", "nan", "-5", "Sat, 99 Nov"])
def test_a_retry_after_that_says_nothing_is_passed_over(
    api: Api, hasty: RemoteComposition, said: str
) -> None:
    api.statuses, api.headers = [503], {"Retry-After": said}

    assert hasty.answer(HELLO).text == "Hi"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("<html>Welcome</html>", "something else than a completion"),
        ('{"choices": "none"}', "something else than a completion"),
        ('{"choices": []}', "without a choice"),
        ('{"error": "overloaded"}', "something else than a completion"),
    ],
)
def test_what_is_no_completion_is_a_titled_error(
    api: Api, teacher: RemoteComposition, body: str, title: str
) -> None:
    api.body = body

    with pytest.raises(TemperError, match=title):
        teacher.answer(HELLO)


def test_the_words_of_the_api_are_shown_without_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "sk-secret")
    api.status, api.body = 401, '{"error": {"message": "Incorrect API key provided: sk-secret"}}'
    composition = RemoteComposition(variant_with_key(api))

    with pytest.raises(UsageError, match=r"Incorrect API key provided: \[key\]") as caught:
        composition.answer(HELLO)
    assert "sk-secret" not in str(caught.value)

    api.status, api.headers = 302, {"Location": "http://elsewhere/?key=sk-secret"}
    with pytest.raises(UsageError, match=r"key=\[key\]") as caught:
        composition.answer(HELLO)
    assert "sk-secret" not in str(caught.value)

    api.status, api.body, api.says = 200, "no", "Your key is sk-secret."
    assert composition.answer(HELLO).text == "Your key is [key]."
    composition.close()


def test_an_answer_without_usage_says_so(api: Api, teacher: RemoteComposition) -> None:
    api.usage = None

    answer = teacher.answer(HELLO)

    assert (answer.text, answer.prompt_tokens) == ("Hi", 0)
    assert answer.notices == [UNCOUNTED]


def test_an_answer_that_takes_too_long_is_a_titled_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        remote = RemoteModel(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "big")
        slow = RemoteComposition(ResolvedVariant("x", "", remote=remote), api=RemoteApi(remote, seconds=0.05))
        with pytest.raises(TemperError, match="took too long"):
            slow.answer(HELLO)
        slow.close()


@pytest.fixture
def endless() -> Iterator[RemoteModel]:
    """An API whose answer goes on, a little at a time, until whoever asked hangs up."""

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"1\r\n \r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        yield RemoteModel(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "big")
        thread.join()


def test_an_answer_that_goes_on_and_on_takes_too_long(endless: RemoteModel) -> None:
    api = RemoteApi(endless, seconds=0.05)
    with pytest.raises(TemperError, match="took too long"):
        api.complete({})
    api.close()


def test_an_answer_without_end_is_not_kept(endless: RemoteModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.inference.remote_api.MOST_BYTES", 100)
    api = RemoteApi(endless)
    with pytest.raises(TemperError, match="too much"):
        api.complete({})
    api.close()


def test_a_server_without_a_certificate_is_a_titled_error(api: Api) -> None:
    remote = RemoteModel(api.url.replace("http:", "https:"), "big")
    composition = RemoteComposition(ResolvedVariant("x", "", remote=remote))

    with pytest.raises(TemperError, match="certificate is not trusted"):
        composition.answer(HELLO)
    composition.close()


@pytest.mark.parametrize("status", [401, 404, 302, 429])
def test_an_api_that_answers_nobody_ends_it_all(api: Api, hasty: RemoteComposition, status: int) -> None:
    api.status = status

    with pytest.raises(TemperError):
        list(hasty.answer_many([HELLO] * 50))
    assert len(api.asked) < 50


def test_failures_of_single_questions_end_it_only_when_nothing_else_comes(
    api: Api, hasty: RemoteComposition
) -> None:
    api.statuses = [400] * 6
    answers = [answer for _, answer in hasty.answer_many([HELLO] * 12)]
    assert sum(bool(answer.error) for answer in answers) == 6

    api.status = 500
    with pytest.raises(TemperError, match="did not answer"):
        list(hasty.answer_many([HELLO] * 50))


def test_nobody_there_is_a_titled_error(api: Api) -> None:
    gone = ResolvedVariant("gone", "", remote=RemoteModel("http://127.0.0.1:9/v1", "big"))
    composition = RemoteComposition(gone)

    with pytest.raises(TemperError, match="is not there"):
        composition.answer(HELLO)
    composition.close()


def test_the_key_comes_from_the_environment_and_from_nowhere_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_key = variant_with_key(api)
    with pytest.raises(MissingError, match="TEACHER_KEY"):
        RemoteComposition(with_key)

    monkeypatch.setenv("TEACHER_KEY", "secret")
    composition = RemoteComposition(with_key)
    composition.answer(HELLO)
    composition.close()
    assert api.keys == ["Bearer secret"]
