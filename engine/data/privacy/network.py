"""IP addresses of both versions and MAC addresses. Version numbers and times of day are neither."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words

_V4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_V6 = re.compile(r"[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:\-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_VERSION = words("version", "ver", "v", "release", "build", "firmware", "section", "chapter", "clause", "rev")


def ip_addresses(reading: Reading) -> Iterator[Found]:
    """Addresses that can be somebody's: not loopback, not unspecified, not a netmask."""
    text = reading.text
    for run in reading.digit_runs:
        if run.group().count(".") >= 3:
            for match in _V4.finditer(text, *run.span()):
                if _is_v4(reading, match):
                    yield reading.found("ip", *match.span(), 0.9)
    if "::" in text or text.count(":") >= 7:
        for match in _V6.finditer(text):
            if _is_v6(reading, match):
                yield reading.found("ip", *match.span(), 0.9)


def mac_addresses(reading: Reading) -> Iterator[Found]:
    """Six pairs of hexadecimal digits, joined by colons or hyphens throughout."""
    if reading.text.count(":") < 5 and reading.text.count("-") < 5:
        return
    for match in _MAC.finditer(reading.text):
        start, end = match.span()
        joined = reading.text[start - 1 : start] in (":", "-") or reading.text[end : end + 1] in (":", "-")
        pairs = set(match.group().lower().split(match.group(1)))
        if reading.stands_alone(start, end) and not joined and pairs not in ({"00"}, {"ff"}):
            yield reading.found("mac", start, end, 0.9)


def _is_v4(reading: Reading, match: re.Match[str]) -> bool:
    start, end = match.span()
    text = reading.text
    before = text[max(0, start - 2) : start]
    longer = re.match(r"\.\d", text[end : end + 2]) or re.search(r"[\w.][.\-]?\Z|[.]\Z", before[-1:])
    if longer or not reading.stands_alone(start, end):
        return False
    if reading.near(_VERSION, start, end, before=12, after=0):
        return False
    try:
        address = ipaddress.IPv4Address(match.group())
    except ValueError:  # an octet above 255 or with a leading zero
        return False
    first = int(address) >> 24
    return 0 < first < 240 and not address.is_loopback and not address.is_multicast


def _is_v6(reading: Reading, match: re.Match[str]) -> bool:
    written = match.group()
    if written.count(":") < 2 or not any(char.isdigit() for char in written):
        return False
    if not reading.stands_alone(*match.span()):
        return False
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return False
    return int(address) >> 32 > 0 and not address.is_multicast
