"""Why a record makes no row: raised wherever a row is read or checked, listed in the import's report."""

from __future__ import annotations


class RowProblem(Exception):
    """Why a record makes no row; its text is the reason in the import's report."""
