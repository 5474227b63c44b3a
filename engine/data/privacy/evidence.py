"""How a find is shown to people: enough to find it again, never the thing itself."""

from __future__ import annotations

from engine.data.privacy.found import Found

HIDDEN = "***"
LONG = 12  # from here on two letters at either end give little away


def masked(found: Found) -> str:
    """`j***@***.com`, `+4***11`, `12 words`: for findings, reports and screens."""
    text = found.text
    if found.kind == "email" and "@" in text:
        local, _, host = text.rpartition("@")
        return f"{local[:1]}{HIDDEN}@{HIDDEN}.{host.rpartition('.')[2]}"
    if found.kind in ("seed_phrase", "private_key"):
        return found.detail or HIDDEN
    if found.kind in ("password", "credentials", "birth_date"):
        return HIDDEN
    if found.kind in ("address", "person"):
        return " ".join(word[:1] + HIDDEN for word in text.split()[:4])
    if found.kind == "ip":
        return text.split(".")[0].split(":")[0] + "." + HIDDEN
    if found.kind == "api_key":
        return text[:3] + HIDDEN if len(text) >= LONG else HIDDEN
    return f"{text[:2]}{HIDDEN}{text[-2:]}" if len(text) >= LONG else f"{text[:1]}{HIDDEN}"


def note(found: Found) -> str:
    """The evidence with what it is: `US SSN 4***`."""
    return (
        f"{found.detail} {masked(found)}" if found.detail and found.detail != masked(found) else masked(found)
    )
