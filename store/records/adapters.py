"""The passport of an adapter: where it comes from, so that it is never put on another base.

Stands as `passport.json` in the adapter's folder, beside PEFT's own files.
"""

from __future__ import annotations

import msgspec

from store.records.forgetting import ForgettingNote
from store.records.recipe import Recipe


class AdapterPassport(msgspec.Struct):
    """Written when training ends. Hashes are sha256 in hex; `base_sha256` is ModelDirectory.fingerprint().

    `check_sha256` is the report of `temper data check` that the run relied on. `recipe` is as the run went:
    nothing in it is left to `auto`, and every dataset stands with its version. `other_data` has the hashes of
    those besides `dataset`, by the recipe's field. Of `total_tokens` in `rows` the mask lets
    `trained_tokens` carry loss. `forgetting` is written later, by the run that asks.
    """

    run_id: str
    base: str
    base_path: str
    base_sha256: str
    dataset: str
    dataset_sha256: str
    recipe: Recipe
    adapter_sha256: str
    template_sha256: str
    system: str
    steps: int
    created: str
    device: str
    versions: dict[str, str] = {}
    check_sha256: str = ""
    rows: int = 0
    total_tokens: int = 0
    trained_tokens: int = 0
    other_data: dict[str, str] = {}
    forgetting: ForgettingNote | None = None
