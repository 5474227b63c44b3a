"""The passport of an export: where its files come from, what they are, and how they were found to behave.

Stands as RUN.json beside the files. The origin is all that is known before a file exists, so that its hash
can stand in the file itself.
"""

from __future__ import annotations

import msgspec

from store.records.exports import ExportResult, Mix


class AdapterOrigin(msgspec.Struct):
    """What an adapter was made from; hashes are sha256 in hex. `data` has one by dataset and version.

    `recipe_sha256` is that of the recipe as the run went, `template_sha256` that of the template that rows
    were written with, `versions` are the libraries it was trained with.
    """

    sha256: str
    run_id: str
    data: dict[str, str]
    recipe_sha256: str
    template_sha256: str
    mask: str
    seed: int
    versions: dict[str, str] = {}


class Origin(msgspec.Struct):
    """Base, adapters and libraries that an export is made from. `base_sha256`: ModelDirectory.fingerprint().

    Without an adapter the base is exported as it is. `template_sha256` is the chat template in the files: the
    base's own. `versions` are the libraries that export, llama.cpp's converter by the hash of its archive.
    """

    base: str
    base_sha256: str
    template_sha256: str
    adapters: list[AdapterOrigin]
    mix: Mix | None = None
    versions: dict[str, str] = {}
    licence: str = ""


class Score(msgspec.Struct):
    """What a file (`type`) scored on a suite when it was checked: the share of `cases` that passed, beside it
    the trained model's. Or what an evaluation run says of a variant that is this model; then `type` is empty.
    """

    type: str
    suite: str
    cases: int
    score: float
    reference: float | None = None
    variant: str = ""
    run_id: str = ""
    stderr: float | None = None


class ExportPassport(msgspec.Struct):
    """Everything about one export. `origin_sha256` is the hash that stands in each GGUF as `temper.origin`.

    `base` and `adapter` are paths, the latter empty where a combined adapter has none. File hashes and ship
    checks stand in `result`.
    """

    created: str
    base: str
    base_sha256: str
    adapter: str
    adapter_sha256: str
    versions: dict[str, str]
    result: ExportResult
    origin: Origin | None = None
    origin_sha256: str = ""
    device: str = ""
    scores: list[Score] = []
