"""The socket guard: no process of Temper connects anywhere but to this machine.

Installed first thing by every entry point. Libraries that would call a hub even for local files meet a
titled error instead of the network. `TEMPER_ALLOW_NETWORK=1` is the user's explicit consent.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

from store.errors import TemperError

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "true",
}


class NetworkRefused(TemperError, OSError):
    """A connection that would leave this machine. Also an OSError, so that libraries fall back as if offline."""


def guard() -> None:
    """Refuse every connection and name look-up that is not loopback, in this process and its children.

    An audit hook sees all sockets of the interpreter, whoever opens them, and cannot be removed again.
    """
    os.environ.update(_ENVIRONMENT)
    if os.environ.get("TEMPER_ALLOW_NETWORK") == "1" or getattr(sys, "_temper_guarded", False):
        return
    sys._temper_guarded = True  # type: ignore[attr-defined]  # one hook per interpreter, also across reloads
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        family = arguments[0].family
        if family in (socket.AF_INET, socket.AF_INET6) and address and not is_loopback(address[0]):
            raise _refused(address[0])
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if host is not None and not is_loopback(host):
            raise _refused(host)


def is_loopback(host: str | bytes) -> bool:
    """Whether `host` (a name or an address) is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in ("", "localhost"):
        return True
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
