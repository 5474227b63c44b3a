"""Several adapters as one, for an export: read from the command line, found by name, of one base, combined.

The arithmetic is engine.export.combining's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.models.adapters import PASSPORT, read_passport
from engine.models.variants import Parts, describe
from store.errors import UsageError
from store.records.exports import AdapterShare, Mix, Way
from store.workspace import Workspace


def asked(
    source: str, adapters: Sequence[str], way: Way, density: float, seed: int
) -> tuple[str, Mix | None]:
    """What to export, from what was typed: a source, or several adapters. Raises UsageError where it is both.

    One adapter at its full weight is a source like any other.
    """
    if bool(source) == bool(adapters):
        raise UsageError(
            "What is to be exported?",
            "Both RUN|MODEL and --adapter are given."
            if source
            else "Neither RUN|MODEL nor --adapter is given.",
            "Name a run, a kept adapter or a model; or several adapters, each with --adapter.",
        )
    shares = [parse_share(text) for text in adapters]
    if len({share.adapter for share in shares}) < len(shares):
        raise UsageError("An adapter is named twice", ", ".join(adapters), "Add up its weights instead.")
    if source or shares == [AdapterShare(shares[0].adapter)]:
        return source or shares[0].adapter, None
    return "", Mix(shares, way, density, seed)


def parse_share(text: str) -> AdapterShare:
    """`RUN` or `RUN:WEIGHT`, as it is typed."""
    name, colon, weight = text.rpartition(":")
    if not colon:
        return AdapterShare(text)
    try:
        return AdapterShare(name, float(weight))
    except ValueError as error:
        raise UsageError(
            "The weight is no number", f"{text}: {weight!r}.", "Name it as RUN:WEIGHT, e.g. last:0.5"
        ) from error


def describe_mix(workspace: Workspace, mix: Mix) -> Parts:
    """What is exported: base, prompt and template of the first adapter, before they are combined.

    Raises UsageError where one is no adapter, or not of the same base as the first.
    """
    found = [_described(workspace, share) for share in mix.adapters]
    bases = [read_passport(parts.adapter).base_sha256 for parts in found if parts.adapter]
    for share, base in zip(mix.adapters, bases, strict=True):
        if base != bases[0]:
            raise UsageError(
                "The adapter was made for another base",
                f"{share.adapter} has another base than {mix.adapters[0].adapter}.",
                "Only adapters of the same base can be combined.",
            )
    return found[0]


def settled(workspace: Workspace, mix: Mix) -> Mix:
    """The mix with adapters by names that will mean the same later: `last` moves on."""
    shares = [
        AdapterShare(_described(workspace, share).run_id or share.adapter, share.weight)
        if share.adapter == "last"
        else share
        for share in mix.adapters
    ]
    return Mix(shares, mix.way, mix.density, mix.seed)


def folders(workspace: Workspace, mix: Mix) -> list[Path]:
    """The adapters' folders, in their order."""
    return [folder for share in mix.adapters if (folder := _described(workspace, share).adapter)]


def trained_on(workspace: Workspace, mix: Mix | None, parts: Parts) -> list[Path]:
    """The folders whose passports say what was trained: adapters, or a model that a run trained as a whole.

    None of a model that was not trained here.
    """
    if mix:
        return folders(workspace, mix)
    made = parts.adapter or parts.model
    return [made] if parts.adapter or (made / PASSPORT).is_file() else []


def stem(mix: Mix) -> str:
    """What the files are called."""
    return "+".join(share.adapter.replace("/", "-") for share in mix.adapters)


def combined(workspace: Workspace, mix: Mix, out: Path) -> Path:
    """The combined adapter as the new folder `out`. Raises UsageError where they cannot be combined."""
    from engine.export.combining import Share, combine  # brings torch: only with the device ours

    weights = [share.weight for share in mix.adapters]
    shares = [Share(folder, one) for folder, one in zip(folders(workspace, mix), weights, strict=True)]
    return combine(shares, mix.way, out, mix.density, mix.seed)


def differing(workspace: Workspace, mix: Mix) -> str:
    """What a user should know of adapters that were trained on differing prompts or templates; or nothing."""
    texts = [(parts.system, parts.template) for parts in (_described(workspace, one) for one in mix.adapters)]
    if len(set(texts)) == 1:
        return ""
    return f"They were trained with differing prompts or templates; those of {mix.adapters[0].adapter} count."


def command_words(mix: Mix) -> Sequence[str]:
    """The options that ask for the same mix."""
    words = [word for one in mix.adapters for word in ("--adapter", f"{one.adapter}:{one.weight:g}")]
    return [*words, "--combine", mix.way, "--density", f"{mix.density:g}", "--seed", str(mix.seed)]


def _described(workspace: Workspace, share: AdapterShare) -> Parts:
    parts = describe(workspace, share.adapter)
    if parts.adapter is None:
        raise UsageError(
            "This is no adapter",
            f"{share.adapter} means {parts.model}.",
            "Name training runs or kept adapters.",
        )
    return parts
