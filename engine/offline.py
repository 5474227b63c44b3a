"""The socket guard: no process of Temper connects anywhere but to this machine.

Installed first thing by every entry point. Libraries that would call a hub even for local files meet a
titled error instead of the network. `TEMPER_ALLOW_NETWORK=1` is the user's explicit consent.

It sees the sockets of the interpreter, not those that compiled code opens by itself (uvloop, grpc, hf-xet):
such code is told to stay at home by the environment, or is not used.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from store.errors import TemperError

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "true",
}
# a proxy on this machine would carry a request out through a loopback connection
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_TO_AN_ADDRESS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class NetworkRefused(TemperError, OSError):
    """A connection that would leave this machine. Also an OSError: libraries then act as if offline."""


def guard() -> None:
    """Refuse every connection and name look-up that is not loopback, for the rest of this process.

    An audit hook sees all sockets of the interpreter, whoever opens them, and cannot be removed again. Child
    processes inherit the environment, and are guarded when they call this themselves, as every worker does.
    """
    os.environ.update(ENVIRONMENT)
    if os.environ.get("TEMPER_ALLOW_NETWORK") == "1":
        return
    for name in _PROXIES:
        os.environ.pop(name, None)
    if not getattr(sys, "_temper_guarded", False):
        sys._temper_guarded = True  # type: ignore[attr-defined]  # one hook per interpreter, also across reloads
        sys.addaudithook(_audit)


_allowed: set[str] = set()


def allow(host: str) -> None:
    """Let connections to `host` pass for the rest of this process: the workspace's settings consent to it.

    A name is looked up once, here, and its addresses are those that may be connected to. A name that cannot
    be looked up stays allowed: whoever connects hears the reason.
    """
    if is_loopback(host):
        return
    import socket

    _allowed.add(host.lower())
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return
    _allowed.update(str(address[0]) for *_, address in found)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _TO_AN_ADDRESS:
        import socket  # here, like ipaddress below: most commands open no socket, and all are started

        family, address = arguments[0].family, arguments[1]
        if family in (socket.AF_INET, socket.AF_INET6) and address and _is_refused(address[0]):
            raise _refused(address[0])
    elif event in _LOOK_UPS:
        if arguments[0] is not None and _is_refused(arguments[0]):
            raise _refused(arguments[0])
    elif event == "socket.getnameinfo" and not is_loopback(arguments[0][0]):
        raise _refused(arguments[0][0])


def _is_refused(host: str | bytes) -> bool:
    name = host.decode(errors="replace") if isinstance(host, bytes | bytearray) else host
    return not is_loopback(name) and name.lower() not in _allowed


def is_loopback(host: str | bytes) -> bool:
    """Whether `host` (a name or an address) is this machine."""
    name = host.decode(errors="replace") if isinstance(host, bytes | bytearray) else host
    if name.lower() in ("", "localhost"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refused(host: str | bytes) -> NetworkRefused:
    return NetworkRefused(
        "Temper stays on this machine",
        f"Something tried to reach {host!r}.",
        "If you want that, set TEMPER_ALLOW_NETWORK=1 for this command.",
    )
