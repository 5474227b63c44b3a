"""Versions of the libraries that decide a result, as they are kept with it. Imports none of them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

DECIDING = ("torch", "transformers", "trl", "peft", "bitsandbytes", "llama-cpp-python")


def versions(packages: Iterable[str] = DECIDING) -> dict[str, str]:
    """The installed version by package; a package that is absent is left out."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
