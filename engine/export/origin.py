"""What an export is made from, as one record and one hash, before any of its files exists.

Knows nothing of workspaces: hashes, passports and settings in, the origin and GGUF metadata out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.models.directory import ModelDirectory
from store import paths
from store.hashing import sha256_of_text
from store.records.adapters import AdapterPassport
from store.records.exports import Mix
from store.records.passports import AdapterOrigin, Origin

ORIGIN_KEY = "temper.origin"
"""Where a GGUF says what it was made from: the hash of its Origin."""


def origin_of(
    base: ModelDirectory,
    base_sha256: str,
    passports: Sequence[AdapterPassport],
    versions: dict[str, str],
    mix: Mix | None = None,
) -> Origin:
    """The origin of what is made of a base and the adapters of these passports."""
    return Origin(
        base=base_name(base),
        base_sha256=base_sha256,
        template_sha256=sha256_of_text(base.chat_template),
        adapters=[adapter_origin(one) for one in passports],
        mix=mix,
        versions=versions | converter_revision(),
        licence=licence(base),
    )


def adapter_origin(passport: AdapterPassport) -> AdapterOrigin:
    """What a training run's passport says of where its adapter comes from."""
    recipe = passport.recipe
    return AdapterOrigin(
        sha256=passport.adapter_sha256,
        run_id=passport.run_id,
        data={passport.dataset: passport.dataset_sha256, **passport.other_data},
        recipe_sha256=sha256_of_text(canonical(recipe)),
        template_sha256=passport.template_sha256,
        mask=recipe.mask,
        seed=recipe.seed,
        versions=passport.versions,
    )


def origin_sha256(origin: Origin) -> str:
    """The hash of an origin: of its canonical JSON, whatever the order in which it was put together."""
    return sha256_of_text(canonical(origin))


def canonical(record: msgspec.Struct) -> str:
    """A record as JSON with sorted keys and no white space: equal records have equal texts."""
    # read back once, so that 16 and 16.0 in a field of floats are the same
    same = msgspec.json.decode(msgspec.json.encode(record), type=type(record))
    return msgspec.json.encode(same, order="sorted").decode()


def metadata_of(origin: Origin) -> dict[str, str | int]:
    """What a GGUF says of its origin, by GGUF's keys; numbers are written as unsigned 32-bit."""
    found: dict[str, str | int] = {ORIGIN_KEY: origin_sha256(origin)}
    if origin.licence:
        found["general.license"] = origin.licence
    if origin.adapters:
        found |= {"general.base_model.count": 1, "general.base_model.0.name": origin.base}
    return found


def base_name(base: ModelDirectory) -> str:
    """What the base calls itself: the name in config.json, else that of its folder."""
    named = str(base.config.get("_name_or_path") or "")
    return base.path.name if not named or Path(named).is_absolute() else named


def licence(base: ModelDirectory) -> str:
    """The `license` in the front matter of the base's README.md (a model card); empty where none is named.

    The format is Hugging Face's: hf.co/docs/hub/model-cards. `other` gives the licence's own name.
    """
    try:
        text = (base.path / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    front = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    keys = (
        dict(re.findall(r"(?m)^(license(?:_name)?):[ \t]*[\"']?([^\"'\n]+?)[\"']?[ \t]*$", front[1]))
        if front
        else {}
    )
    named: str = keys.get("license", "")
    return keys.get("license_name", named) if named == "other" else named


def converter_revision() -> dict[str, str]:
    """Which llama.cpp converter is installed, by the hash of the archive that it came in."""
    try:
        revision = json.loads((paths.converter_dir() / "REVISION.json").read_text(encoding="utf-8"))
        return {"llama.cpp converter": str(revision["archive_sha256"])}
    except (OSError, ValueError, KeyError):
        return {}
