"""From a name to all that an engine needs: variants, runs, model directories and GGUF files, resolved.

`describe` only looks and says what would run. `resolve` also makes the GGUF when it is first needed: heavy,
for workers and servers only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.models import adapters
from engine.models.directory import ModelDirectory
from engine.models.locate import locate_model, path_of
from store import runs
from store.errors import MissingError, TemperError, UsageError
from store.hashing import sha256_of_text
from store.records.workspace import ResolvedVariant, Sampling, Variant
from store.workspace import Workspace

SMALL_QUANT, LARGE_QUANT = "q8_0", "q4_k_m"
LARGE = 3_000_000_000
"""Weights from which LARGE_QUANT is the default: there 4 bits cost little, and the model fits a card."""
DEFAULT_PASSAGES = 4


class Parts(msgspec.Struct):
    """A variant with every name turned into a path, before any GGUF is made."""

    name: str
    model: Path
    adapter: Path | None = None
    system: str = ""
    template: str = ""
    knowledge: str | None = None
    top_k: int = DEFAULT_PASSAGES
    quant: str = ""
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    run_id: str | None = None


def describe(workspace: Workspace, reference: str | None = None) -> Parts:
    """What `reference` means: a variant's name, a run, a kept adapter, a model's name or path.

    None means the default variant. Raises UsageError or MissingError that says what could be meant.
    """
    reference = reference or workspace.config.defaults.variant
    if reference is None:
        raise UsageError(
            "Which variant?",
            "None was named and temper.toml has no default.",
            'Name one with --variant, or add to temper.toml: [defaults] variant = "NAME"',
        )
    if reference in workspace.config.variants:
        parts = _of_variant(workspace, reference, workspace.variant(reference))
    elif reference in workspace.config.models or _is_path(workspace, reference):
        parts = Parts(reference, locate_model(workspace, reference))
    else:
        parts = _of_run(workspace, reference)
    parts.quant = parts.quant or default_quant(parts.model)
    return parts


def default_quant(model: Path) -> str:
    """The GGUF type that a model runs in where nobody chose one, by its size (SMALL_QUANT if unknown)."""
    try:
        large = model.is_dir() and ModelDirectory(model).parameters >= LARGE
    except TemperError:  # whoever opens it says what is wrong with it
        return SMALL_QUANT
    return LARGE_QUANT if large else SMALL_QUANT


def resolve(
    workspace: Workspace, reference: str | None = None, say: Callable[[str], None] = lambda text: None
) -> ResolvedVariant:
    """`describe`, with the GGUF made if it is not there yet; `say` hears each step of that."""
    from engine.export.gguf_cache import gguf_for

    parts = describe(workspace, reference)
    gguf = gguf_for(workspace.paths, parts.model, parts.adapter, parts.quant, say)
    stat = gguf.stat()
    resolved = ResolvedVariant(
        name=parts.name,
        gguf=str(gguf),
        system=parts.system,
        template=parts.template,
        knowledge=parts.knowledge,
        top_k=parts.top_k,
        sampling=parts.sampling,
        run_id=parts.run_id,
    )
    identity = msgspec.json.encode(resolved).decode() + f"{stat.st_size}:{stat.st_mtime_ns}"
    resolved.sha256 = sha256_of_text(identity)
    return resolved


def knowledge_of(workspace: Workspace, name: str | None, own: str | None) -> str | None:
    """The knowledge base that questions to `name` are answered from: its `own`, if it names one.

    The default knowledge base goes with the default variant only: any other is asked as it is evaluated.
    """
    defaults = workspace.config.defaults
    return own or (defaults.knowledge if name == defaults.variant else None)


def _of_variant(workspace: Workspace, name: str, variant: Variant) -> Parts:
    system = read_prompt(workspace, variant.prompt) if variant.prompt else ""
    parts = Parts(
        name,
        model=Path(),
        system=system,
        knowledge=variant.knowledge,
        top_k=variant.top_k or DEFAULT_PASSAGES,
        quant=variant.quant or "",
        sampling=variant.sampling or Sampling(),
    )
    if variant.adapter:
        _put_adapter(workspace, parts, variant.adapter)
        if variant.prompt:
            parts.system = system
    parts.template = variant.template or parts.template
    if variant.model:
        parts.model = locate_model(workspace, variant.model)
    if parts.model == Path():
        raise UsageError(
            f"Variant {name!r} names no model", "It has neither model nor adapter.", "Add `model` to it."
        )
    return parts


def _of_run(workspace: Workspace, reference: str) -> Parts:
    try:
        parts = Parts(reference, model=Path())
        if not is_kept(workspace, reference) and reference != "last":
            run = runs.find(workspace.paths.runs, reference)
            if run.spec().job == "export":
                reference = str(run.spec().params.get("source", ""))
        _put_adapter(workspace, parts, reference)
    except runs.NoSuchRunError as error:
        known = ", ".join([*workspace.config.variants, *workspace.config.models]) or "none"
        raise UsageError(
            f"Nothing here is called {reference!r}",
            f"It is no variant or model of temper.toml ({known}), no training run and no path.",
            "See: temper variants list, temper runs list",
        ) from error
    return parts


def is_kept(workspace: Workspace, reference: str) -> bool:
    """Whether an adapter was kept under that name."""
    return (workspace.paths.adapters / reference).is_dir()


def _put_adapter(workspace: Workspace, parts: Parts, reference: str) -> None:
    whole = None if is_kept(workspace, reference) else adapters.find_model(workspace, reference)
    parts.adapter = None if whole else adapters.find_adapter(workspace, reference)
    passport = adapters.read_passport(whole or parts.adapter or Path())
    parts.model = whole or path_of(passport.base_path, workspace.root)
    parts.system, parts.template = passport.system, passport.recipe.template
    parts.run_id = passport.run_id


def _is_path(workspace: Workspace, reference: str) -> bool:
    return "/" in reference or ":" in reference or path_of(reference, workspace.root).exists()


def read_prompt(workspace: Workspace, relative: str) -> str:
    """The text of a prompt file, without surrounding blank lines. Raises MissingError."""
    path = workspace.path(relative)
    if not path.is_file():
        raise MissingError(
            "The prompt file is not there",
            f"{path} does not exist.",
            "Check `prompt` in temper.toml or the recipe.",
        )
    return path.read_text(encoding="utf-8").strip()
