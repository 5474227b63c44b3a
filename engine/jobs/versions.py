"""Versions of the libraries that decide a result, as they are kept with it. Imports none of them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "llama-cpp-python")


def versions() -> dict[str, str]:
    """The installed version by package; a package that is absent is left out."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
