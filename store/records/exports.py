"""Exported files and the verdict on whether they behave like the model that was trained."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["SHIP", "WARN", "BLOCK"]


class ExportedFile(msgspec.Struct):
    """One file of an export. `type` is the GGUF type (f16, q8_0, ...) or `safetensors`."""

    path: str
    type: str
    bytes: int
    sha256: str


class ShipCheck(msgspec.Struct):
    """The comparison of an exported file with unquantised base + adapter.

    `token_ids_equal`: share of texts whose ids equal those of the model's tokenizer.json.
    `greedy_agreement`: mean share of greedy tokens before the first difference. Reasons explain the verdict.
    """

    verdict: Verdict
    reasons: list[str] = []
    texts: int = 0
    token_ids_equal: float = 0.0
    prompts: int = 0
    greedy_agreement: float = 0.0


class ExportResult(msgspec.Struct):
    """What `temper export` prints as JSON and the ledger keeps."""

    run_id: str
    source: str
    files: list[ExportedFile]
    ship_check: ShipCheck
