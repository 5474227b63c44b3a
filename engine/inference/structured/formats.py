"""Formats of strings, which are asserted: by llguidance where it knows them, else by a pattern of ours.

A standard format that neither knows is refused. A format of somebody's own asserts nothing in any draft: it
is left out, and named in the notes. Knows nothing of schemas.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable

KNOWN = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
"""Formats that llguidance has grammars for."""

_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_ESCAPED = "%[0-9A-Fa-f]{2}"
# RFC 3987: `ucschar`, and `iprivate` for queries
_PLANES = "".join(f"{chr(plane << 16)}-{chr(plane << 16 | 0xFFFD)}" for plane in range(1, 14))
_BEYOND = f"\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef{_PLANES}\U000e1000-\U000efffd"
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"


def reference(relative: bool, beyond: str = "", private: str = "") -> str:
    """RFC 3986, appendix A, by its names, or RFC 3987 with its letters beyond ASCII.

    IP literals are not looked into.
    """
    plain = rf"A-Za-z0-9\-._~!$&'()*+,;={beyond}"
    pchar, not_colon = rf"(?:[{plain}:@]|{_ESCAPED})", rf"(?:[{plain}@]|{_ESCAPED})"
    host = rf"(?:\[[0-9A-Fa-f:.]+\]|(?:[{plain}]|{_ESCAPED})*)"
    authority = rf"//(?:(?:[{plain}:]|{_ESCAPED})*@)?{host}(?::[0-9]*)?"
    abempty = rf"(?:/{pchar}*)*"
    hierarchy = rf"{authority}{abempty}|/(?:{pchar}+{abempty})?"
    found = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{hierarchy}|{pchar}+{abempty}|)"
    if relative:
        found += rf"|{hierarchy}|{not_colon}+{abempty}|"
    return rf"^(?:{found})(?:\?(?:{pchar}|[/?{private}])*)?(?:#(?:{pchar}|[/?])*)?$"


# RFC 6570, 2: literals, and variables in braces
_LETTER = rf"(?:[A-Za-z0-9_]|{_ESCAPED})"
_VARIABLE = rf"{_LETTER}(?:\.?{_LETTER})*(?::[1-9][0-9]{{0,3}}|\*)?"
_LITERALS = rf"[!#$&(-;=?-\[\]_a-z~{_BEYOND}{_PRIVATE}]|{_ESCAPED}"

PATTERNS = {
    "json-pointer": rf"^{_POINTER}$",  # RFC 6901
    "relative-json-pointer": rf"^(?:0|[1-9][0-9]*)(?:#|{_POINTER})$",
    "uri-reference": reference(True),
    "iri": reference(False, _BEYOND, _PRIVATE),
    "iri-reference": reference(True, _BEYOND, _PRIVATE),
    "uri-template": rf"^(?:{_LITERALS}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*$",
}
"""Formats that llguidance does not know, as patterns that it does."""

UNENFORCED = frozenset(("idn-email", "idn-hostname", "regex", "color", "style", "phone"))
"""Formats of one draft or another that nothing here can enforce."""


def says_date(text: str) -> bool:
    """Whether the first ten characters are a day of the calendar: a grammar lets 30 February pass."""
    try:
        datetime.date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def says_leap_second(text: str) -> bool:
    """Whether a second 60 is the last one of a day in UTC: a grammar lets it end any minute."""
    found = re.search(r"(\d\d):(\d\d):60(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$", text, re.ASCII)
    if found is None:
        return True
    hours, minutes, sign, *offset = found.groups(default="0")
    ahead = int(offset[0]) * 60 + int(offset[1])
    return (int(hours) * 60 + int(minutes) + (ahead if sign == "-" else -ahead) + 1) % (24 * 60) == 0


def says_address(kind: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether the standard library reads a text as an address of this kind."""

    def says(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return True

    return says


BESIDES: dict[str, Callable[[str], bool]] = {
    "date": says_date,
    "date-time": lambda text: says_date(text) and says_leap_second(text),
    "time": says_leap_second,
    "ipv4": says_address(ipaddress.IPv4Address),
    "ipv6": says_address(ipaddress.IPv6Address),
}
"""What a complete answer must satisfy besides the grammar of its format."""
