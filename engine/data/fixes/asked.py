"""What a fix is asked to do."""

from __future__ import annotations

from typing import Literal

import msgspec

from store.errors import UsageError

Policy = Literal["", "majority", "newest", "labels"]


class Asked(msgspec.Struct, omit_defaults=True):
    """The operations of one fix. `drop` names checks or findings, `rows` and `keep` row ids, `mask` kinds.

    `conflicts` says which of two answers to one input is right: the more frequent, the newest by its time, or
    the one that people decided on before.
    """

    duplicates: bool = False
    near_duplicates: bool = False
    leaks: bool = False
    drop: list[str] = []
    rows: list[str] = []
    mask: list[str] = []
    repair_encoding: bool = False
    conflicts: Policy = ""
    keep: list[str] = []

    @property
    def needs_report(self) -> bool:
        """Whether a check has to have looked at the version."""
        return bool(self.duplicates or self.near_duplicates or self.leaks or self.drop or self.conflicts)


def check(asked: Asked) -> None:
    """Raise UsageError where nothing is asked for."""
    if asked == Asked(keep=asked.keep):
        raise UsageError(
            "Nothing to mend was named",
            "--keep protects rows from what else is asked for." if asked.keep else "No operation was given.",
            "For example: --drop-duplicates, --drop-leaks, --mask pii,secrets, --drop CHECK. "
            "See what there is with: temper data check NAME",
        )
