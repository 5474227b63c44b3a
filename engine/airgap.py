"""Proof that nothing calls out: a child process under the socket guard tries to, in every way there is.

The guard sees the sockets of Python code. A proof that needs no trust in it is a network that is not there:
`unshare -rn sh -c 'ip link set lo up && temper demo'`.
"""

from __future__ import annotations

import json
import os

from engine.doctor import ask_child, diagnosis
from store.records.machine import Diagnosis, Finding

# A documentation address (RFC 5737) and a reserved name (RFC 2606): nobody is there if a try gets through.
ADDRESS, NAME = "192.0.2.1", "temper.invalid"

# Every try says `refused` only for the guard's own error: a network that is merely down proves nothing.
_TRIES = f"""
import json, os, socket, urllib.request
from engine import offline
offline.guard()

def outcome(attempt):
    try:
        attempt()
    except offline.NetworkRefused:
        return "refused"
    except BaseException as error:
        reason = getattr(error, "reason", None)
        return "refused" if isinstance(reason, offline.NetworkRefused) else type(error).__name__
    return "open"

def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", ({ADDRESS!r}, 53))

print(json.dumps({{
    "connection": outcome(lambda: socket.create_connection(({ADDRESS!r}, 443), timeout=2)),
    "datagram": outcome(datagram),
    "name look-up": outcome(lambda: socket.getaddrinfo({NAME!r}, 443)),
    "web request": outcome(lambda: urllib.request.urlopen("http://{ADDRESS}/", timeout=2)),
    "proxies": urllib.request.getproxies_environment(),
    "environment": {{name: os.environ.get(name) for name in offline.ENVIRONMENT}},
}}))
"""

# Another program's library, asked for what it would do.
_CHROMA = """
from engine import offline
offline.guard()
from chromadb.config import Settings
print(Settings().anonymized_telemetry)
"""


def prove() -> Diagnosis:
    """Try to reach the network from a guarded child; each way in which it could have is a finding."""
    proxied = dict(os.environ) | {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    answer = ask_child(_TRIES, proxied)
    if answer is None:
        return diagnosis([Finding("guard", "missing", "the guarded process did not start", "temper doctor")])
    seen = json.loads(answer)
    findings = [tried(name, seen[name]) for name in ("connection", "datagram", "name look-up", "web request")]
    return diagnosis([*findings, proxies(seen["proxies"]), libraries(seen["environment"]), telemetry()])


def tried(name: str, outcome: str) -> Finding:
    """What became of one try to call out."""
    if outcome == "refused":
        return Finding(name, "ok", "refused by the socket guard")
    allowed = os.environ.get("TEMPER_ALLOW_NETWORK") == "1"
    remedy = (
        "unset TEMPER_ALLOW_NETWORK" if allowed else f"unshare -rn: {name} was not stopped; please report it"
    )
    return Finding(name, "missing", f"not refused by the socket guard ({outcome})", remedy)


def proxies(seen: dict[str, str]) -> Finding:
    """A proxy on this machine would be a way round the guard."""
    if seen:
        detail = f"one in the environment would be used ({', '.join(sorted(seen))})"
        return Finding("proxies", "missing", detail, "unset TEMPER_ALLOW_NETWORK http_proxy https_proxy")
    return Finding("proxies", "ok", "none is used, whatever the environment says")


def libraries(seen: dict[str, str | None]) -> Finding:
    """The variables that keep libraries from asking a hub."""
    from engine.offline import ENVIRONMENT

    unset = [name for name, value in ENVIRONMENT.items() if seen.get(name) != value]
    if unset:
        return Finding(
            "libraries", "missing", f"not told to stay offline: {', '.join(unset)}", "temper doctor"
        )
    return Finding("libraries", "ok", f"told to stay offline ({', '.join(ENVIRONMENT)})")


def telemetry() -> Finding:
    """The vector store's own answer."""
    answer = ask_child(_CHROMA)
    if answer == "False":
        return Finding("telemetry", "ok", "off in the vector store")
    return Finding("telemetry", "missing", f"the vector store says {answer or 'nothing'}", "scripts/setup")
