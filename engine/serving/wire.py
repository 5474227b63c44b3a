"""Errors as HTTP carries them: OpenAI's shape, with Temper's three parts inside, back and forth.

Knows nothing of requests or servers.
"""

from __future__ import annotations

from typing import Any

import msgspec

from store.errors import BusyError, ExitCode, MissingError, RefusedError, TemperError, UsageError

# exit code -> error class, HTTP status, OpenAI's word for the type
_KINDS: dict[ExitCode, tuple[type[TemperError], int, str]] = {
    ExitCode.FAILED: (TemperError, 500, "server_error"),
    ExitCode.USAGE: (UsageError, 400, "invalid_request_error"),
    ExitCode.MISSING: (MissingError, 404, "not_found_error"),
    ExitCode.BUSY: (BusyError, 503, "overloaded_error"),
    ExitCode.REFUSED: (RefusedError, 403, "permission_error"),
}


class ErrorParts(msgspec.Struct):
    """`error.temper` of a response: the parts of a TemperError."""

    title: str
    happened: str
    remedy: str
    exit_code: int = 1


def status_of(error: TemperError) -> int:
    """The HTTP status of an error."""
    return _KINDS.get(error.exit_code, _KINDS[ExitCode.FAILED])[1]


def error_body(error: TemperError, param: str | None = None) -> dict[str, Any]:
    """The JSON body of an error response; `param` names the request's field that is wrong."""
    kind = _KINDS.get(error.exit_code, _KINDS[ExitCode.FAILED])[2]
    parts = ErrorParts(error.title, error.happened, error.remedy, int(error.exit_code))
    return {
        "error": {
            "message": f"{error.title}. {error.happened} {error.remedy}",
            "type": kind,
            "param": param,
            "code": None,
            "temper": msgspec.to_builtins(parts),
        }
    }


def error_from(body: Any, status: int = 500) -> TemperError:
    """The error that a response's body holds; a plain one where it is not of our making."""
    found = body.get("error") if isinstance(body, dict) else None
    try:
        parts = msgspec.convert((found or {}).get("temper"), ErrorParts)
        kind = _KINDS.get(ExitCode(parts.exit_code), _KINDS[ExitCode.FAILED])[0]
        return kind(parts.title, parts.happened, parts.remedy)
    except (msgspec.ValidationError, ValueError, AttributeError):
        said = found.get("message", "") if isinstance(found, dict) else str(found or "")
        return TemperError(
            "The local server refused the request",
            f"Status {status}. {said}".strip(),
            "Its log is .temper/server.log in the workspace.",
        )
