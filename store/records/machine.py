"""What a look at this machine found: one finding per thing that Temper needs or could use."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["ok", "note", "missing"]


class Finding(msgspec.Struct):
    """`missing`: needed and not there, or not working. `note`: works, but worth knowing.

    `remedy` is the exact command that mends it, empty where nothing needs to be mended.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


class Diagnosis(msgspec.Struct):
    """All findings; `ok` says that nothing needed is missing."""

    ok: bool
    findings: list[Finding]
