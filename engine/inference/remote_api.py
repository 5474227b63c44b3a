"""An OpenAI-compatible API over HTTP: a request, tried again while it is busy, its failures as titled errors.

The key comes from the environment and is written nowhere, not in errors either. Redirects are not followed:
a question and its key go where the workspace says. Knows nothing of variants and prompts.
"""

from __future__ import annotations

import contextlib
import email.utils
import os
import ssl
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from engine import offline
from store import clock
from store.errors import MissingError, TemperError, UsageError
from store.records.workspace import RemoteModel

SECONDS, CONNECT_SECONDS = 300.0, 10.0
"""How long one answer may take, and the connection before it."""
TRIES, WAIT_SECONDS, MOST_WAIT_SECONDS = 4, 1.0, 60.0
"""For an API that is busy: each wait is twice the last, or as long as it says itself, up to the most."""
BUSY = (429, 500, 502, 503, 504, 529)
MOST_BYTES = 64 * 2**20
"""Of one response; no answer is as long."""
SHOWN = 300
"""Characters of an API's own words in an error."""


class Function(msgspec.Struct):
    """The function of a call."""

    name: str
    arguments: str | dict[str, Any] | None = "{}"


class Call(msgspec.Struct):
    """A call of a tool."""

    function: Function
    id: str | None = ""


class Said(msgspec.Struct):
    """A message of the API. `refusal`: why it gives no answer by the schema."""

    content: str | None = None
    tool_calls: list[Call] | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    """One of the answers."""

    message: Said
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    """Tokens read and written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Completion(msgspec.Struct):
    """What the API answers; some leave the usage out."""

    choices: list[Choice]
    usage: Usage | None = None


class Refused(UsageError):
    """The API did not take the request: `status` is its answer."""

    def __init__(self, status: int, title: str, happened: str, remedy: str) -> None:
        self.status = status
        super().__init__(title, happened, remedy)


class Unreachable(TemperError):
    """The API answers nobody just now, whatever it is asked."""


class Reply(NamedTuple):
    """A response, read to its end."""

    status_code: int
    headers: httpx.Headers
    content: bytes


LOCKED_OUT = (401, 403, 404, *range(300, 400))
"""Statuses that say the same to every request."""


class RemoteApi:
    """Asks `remote`. For several threads; close it. Raises MissingError when its key is not set."""

    def __init__(
        self, remote: RemoteModel, seconds: float = SECONDS, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._remote = remote
        self._key = key_of(remote) if remote.key else ""
        self._seconds, self._wait_seconds = seconds, wait_seconds
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        parts = urlsplit(remote.url)
        offline.allow(parts.hostname or "")
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            trust_env=False,  # a proxy would be another machine than the one consented to
            verify=certificates() if parts.scheme == "https" else True,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def complete(self, body: dict[str, Any]) -> Completion:
        """The completion of a request. Raises Refused (a UsageError), Unreachable or another TemperError."""
        response = self._tried("POST", "/chat/completions", body)
        try:
            found = msgspec.json.decode(response.content, type=Completion)
        except msgspec.MsgspecError as error:
            raise self._failed(
                "The API answered with something else than a completion",
                f"{error}: {self._words(response)}",
                "Check that `url` ends where the API begins, at /v1 with most.",
            ) from error
        if not found.choices:
            raise self._failed("The API answered without a choice", self._words(response), "Ask again.")
        return found

    def models(self) -> list[str]:
        """What the API calls its models. Raises as `complete` does."""
        response = self._tried("GET", "/models", None)
        try:
            return [entry.id for entry in msgspec.json.decode(response.content, type=_Models).data]
        except msgspec.MsgspecError as error:
            raise self._failed(
                "The API did not list its models",
                f"{error}: {self._words(response)}",
                "Name one with --served.",
            ) from error

    def _tried(self, method: str, path: str, body: dict[str, Any] | None) -> Reply:
        for tried in range(1, TRIES + 1):
            try:
                response = self._sent(method, path, body)
            except httpx.HTTPError as error:
                raise self._not_reached(error) from error
            if response.status_code not in BUSY or tried == TRIES:
                break
            time.sleep(self._pause(response, tried))
        if response.status_code != 200:
            raise self._refused(response)
        return response

    def _sent(self, method: str, path: str, body: dict[str, Any] | None) -> Reply:
        """One request's response, without the key should it be in there.

        A timeout of httpx's is one of each piece: here is that of the whole.
        """
        deadline = time.monotonic() + self._seconds
        content = bytearray()
        with self._http.stream(method, self._remote.url.rstrip("/") + path, json=body) as response:
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer comes too slowly")
                if len(content) > MOST_BYTES:
                    happened = f"More than {MOST_BYTES:,} bytes came."
                    raise self._failed("The API answered with too much", happened, "See what it is.")
        if self._key:
            content = content.replace(self._key.encode(), b"[key]")
        return Reply(response.status_code, response.headers, bytes(content))

    def _pause(self, response: Reply, tried: int) -> float:
        """Seconds until the next try: what `Retry-After` says, as a number or a time, else twice the last."""
        said = response.headers.get("retry-after", "").strip()
        seconds = self._wait_seconds * 2.0 ** (tried - 1)
        if said.isdecimal():
            seconds = float(said)
        elif said:
            with contextlib.suppress(ValueError, TypeError):  # what is no time either says nothing
                seconds = (email.utils.parsedate_to_datetime(said) - clock.now()).total_seconds()
        return min(max(seconds, 0.0), MOST_WAIT_SECONDS)

    def _not_reached(self, error: httpx.HTTPError) -> TemperError:
        """Why no answer came at all."""
        happened = f"{type(error).__name__}: {error}"
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError) and not _is_certificate(error):
            return self._lost("The API is not there", happened, "Start it, or mend `url` of the model.")
        if isinstance(error, httpx.TimeoutException):
            return self._failed(
                "The API took too long",
                happened,
                f"An answer may take {self._seconds:g} s. Ask for less.",
            )
        if _is_certificate(error):
            remedy = "Set SSL_CERT_FILE to the authority that signed it, or mend `url` of the model."
            return self._lost("The API's certificate is not trusted", happened, remedy)
        return self._failed("The model did not answer", happened, "See whether it runs, and ask again.")

    def _refused(self, response: Reply) -> TemperError:
        """What a status other than 200 means."""
        status, words = response.status_code, self._words(response)
        key = self._remote.key
        if status in (401, 403):
            remedy = f"Set {key} to a valid key." if key else "Name its key's variable: `key` of the model."
            return Refused(status, "The API refused the key", self._where(words), remedy)
        if status == 404:
            remedy = "Mend `url` (up to /v1) or `model` of the model in temper.toml."
            return Refused(status, "The API does not know that model or address", self._where(words), remedy)
        if 300 <= status < 400:
            place = response.headers.get("location", "elsewhere")
            return Refused(
                status,
                "The API sends questions elsewhere",
                self._where(f"Status {status}, to {place[:SHOWN]}; they are sent nowhere but to `url`."),
                "If you trust that address, make it the `url` of the model.",
            )
        if status == 429:
            return self._lost("The API wants no more questions now", words, "Ask again later.")
        if status >= 500:
            return self._failed("The model did not answer", words, "See whether it runs, and ask again.")
        return Refused(status, "The API did not take the request", self._where(words), "Mend what it names.")

    def _words(self, response: Reply) -> str:
        """The API's own words."""
        text = response.content.decode(errors="replace")
        try:
            found = msgspec.json.decode(response.content)
            inner = found.get("error", found) if isinstance(found, dict) else found
            text = str(inner.get("message", inner)) if isinstance(inner, dict) else str(inner)
        except msgspec.DecodeError:
            pass
        return f"Status {response.status_code}: {text[:SHOWN]}"

    def _failed(self, title: str, happened: str, remedy: str) -> TemperError:
        return TemperError(title, self._where(happened), remedy)

    def _lost(self, title: str, happened: str, remedy: str) -> TemperError:
        return Unreachable(title, self._where(happened), remedy)

    def _where(self, happened: str) -> str:
        happened = happened.replace(self._key, "[key]") if self._key else happened  # headers may hold it too
        return f"{self._remote.model!r} at {self._remote.url}: {happened}"


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def key_of(remote: RemoteModel) -> str:
    """The key, from the environment. Raises MissingError when the variable is not set."""
    key = os.environ.get(remote.key, "").strip()
    if not key:
        raise MissingError(
            "The key is not there",
            f"The environment variable {remote.key!r} is empty or not set.",
            f"Set it to the key of {remote.url}; it is read from there only and written nowhere.",
        )
    if not key.isascii() or not key.isprintable():
        raise UsageError(
            "That is no key",
            f"The environment variable {remote.key!r} holds characters that a header cannot carry.",
            "Set it to the key alone.",
        )
    return key


def certificates() -> ssl.SSLContext:
    """The machine's authorities (SSL_CERT_FILE too) and those that come with certifi."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _is_certificate(error: BaseException) -> bool:
    """Whether a certificate was refused somewhere below `error`."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError) or "CERTIFICATE_VERIFY" in str(below):
            return True
        below = below.__cause__ or below.__context__
    return False
