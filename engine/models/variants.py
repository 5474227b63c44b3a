"""From a name to all that an engine needs: variants, runs, model directories and GGUF files, resolved.

`describe` only looks and says what would run. `resolve` also makes the GGUF when it is first needed: heavy,
for workers and servers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.models import adapters
from engine.models.directory import ModelDirectory
from engine.models.few_shot import check_few_shot, shots
from engine.models.locate import locate_model, path_of
from engine.offline import is_loopback
from store import runs
from store.errors import MissingError, TemperError, UsageError
from store.hashing import sha256_of_file, sha256_of_text
from store.records.output import OutputFormat
from store.records.workspace import (
    FewShot,
    GgufAdapter,
    Output,
    RemoteModel,
    ResolvedVariant,
    Sampling,
    Search,
    Variant,
)
from store.workspace import Workspace

SMALL_QUANT, LARGE_QUANT = "q8_0", "q4_k_m"
LARGE = 3_000_000_000
"""Weights from which LARGE_QUANT is the default: there 4 bits cost little, and the model fits a card."""
DEFAULT_PASSAGES = 4


class Parts(msgspec.Struct):
    """A variant with every name turned into a path, before any GGUF is made.

    `prompt` is the file that `system` comes from, `prompt_sha256` says which version of it. `knowledge` is
    what questions are answered from, the default one where that is meant, and `search` how it is searched
    where that is not as usual. Where `remote` answers there is no `model`. `adapters` have whole paths.
    """

    name: str
    model: Path
    adapter: Path | None = None
    system: str = ""
    template: str = ""
    knowledge: str | None = None
    search: Search | None = None
    top_k: int = DEFAULT_PASSAGES
    quant: str = ""
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    run_id: str | None = None
    prompt: str = ""
    prompt_sha256: str = ""
    few_shot: FewShot | None = None
    output: OutputFormat | None = None
    remote: RemoteModel | None = None
    adapters: list[GgufAdapter] = []


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
        parts = Parts(reference, Path())
        _put_model(workspace, parts, reference)
    else:
        parts = _of_run(workspace, reference)
    if parts.remote is None:
        parts.quant = parts.quant or default_quant(parts.model)
    parts.knowledge = knowledge_of(workspace, parts.name, parts.knowledge)
    if parts.knowledge in workspace.config.knowledge:
        search = workspace.config.knowledge[parts.knowledge].search
        parts.search = search if search != Search() else None
    return parts


def default_quant(model: Path) -> str:
    """The GGUF type that a model runs in where nobody chose one, by its size (SMALL_QUANT if unknown)."""
    try:
        large = model.is_dir() and ModelDirectory(model).parameters >= LARGE
    except TemperError:  # whoever opens it says what is wrong with it
        return SMALL_QUANT
    return LARGE_QUANT if large else SMALL_QUANT


def resolve(
    workspace: Workspace,
    reference: str | None = None,
    say: Callable[[str], None] = lambda text: None,
    quant: str = "",
) -> ResolvedVariant:
    """`describe`, with the GGUF made if it is not there yet; `say` hears each step of that.

    `quant` is the GGUF type to run in the place of the variant's own.
    """
    parts = describe(workspace, reference)
    parts.quant = quant or parts.quant
    knowledge = parts.knowledge
    resolved = ResolvedVariant(
        name=parts.name,
        gguf="",
        system=parts.system,
        template=parts.template,
        knowledge=knowledge,
        top_k=parts.top_k,
        sampling=parts.sampling,
        run_id=parts.run_id,
        shots=shots(workspace, parts.few_shot) if parts.few_shot else [],
        output=parts.output,
        remote=parts.remote,
        generation=generation_of(workspace, knowledge) if knowledge else "",
        adapters=parts.adapters,
    )
    if parts.remote is None:
        from engine.export.gguf_cache import gguf_for

        gguf = gguf_for(workspace.paths, parts.model, parts.adapter, parts.quant, say)
        resolved.gguf = str(gguf)
    resolved.sha256 = identity_of(workspace, resolved)
    return resolved


def generation_of(workspace: Workspace, kb: str) -> str:
    """The hash of all that decides which passages are found; empty while none is published.

    That is the published generation's manifest, how it is searched, and the models that help with that.
    """
    from store import knowledge  # its tables take a while to import, and most variants need none

    if knowledge.current(workspace.paths, kb) is None:
        return ""
    manifest = knowledge.load_manifest(workspace.paths, kb)
    manifest.kb, manifest.generation, manifest.created = "", 0, ""  # the same documents, built again
    search = workspace.config.knowledge[kb].search if kb in workspace.config.knowledge else Search()
    helpers = [_stamp(workspace, name) for name in (search.query_model, search.reranker) if name]
    return sha256_of_text(msgspec.json.encode([manifest, search, helpers]).decode())


def _stamp(workspace: Workspace, model: str) -> str:
    """Where a model is and, if that is a file, its size and time."""
    settings = workspace.config.models.get(model)
    if settings is not None and settings.url:
        return f"{settings.url} {settings.model}"
    path = path_of(settings.path if settings is not None else model, workspace.root)
    stat = path.stat() if path.is_file() else None
    return f"{path}:{stat.st_size}:{stat.st_mtime_ns}" if stat else str(path)


def identity_of(workspace: Workspace, variant: ResolvedVariant) -> str:
    """The hash of all that decides an answer; neither a name nor where the workspace lies is in it.

    A file that Temper made is named by the content that it was made from; another is known by its size and
    time, since hashing it would take longer than loading it.
    """
    weights = ""
    if variant.gguf:
        path = Path(variant.gguf)
        stat = path.stat()
        ours = path.is_relative_to(workspace.paths.models)
        place = path.relative_to(workspace.paths.models).as_posix() if ours else str(path)
        weights = f"{place}:{stat.st_size}" + ("" if ours else f":{stat.st_mtime_ns}")
    bare = msgspec.structs.replace(variant, name="", gguf="", source="variant", run_id=None, sha256="")
    bare.adapters = [
        GgufAdapter(sha256_of_file(Path(one.path)), one.scale) for one in variant.adapters
    ]  # small enough
    if variant.generation:
        bare.knowledge = None  # that says what is in it, whatever it is called
    if variant.remote is not None:  # what the variable with the key is called changes no answer
        bare.remote = msgspec.structs.replace(variant.remote, key="")
    return sha256_of_text(msgspec.json.encode(bare).decode() + weights)


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
        few_shot=variant.few_shot,
        output=read_output(workspace, variant.output) if variant.output else None,
    )
    if variant.few_shot:
        check_few_shot(workspace, variant.few_shot)
    if variant.prompt:
        parts.prompt, parts.prompt_sha256 = variant.prompt, sha256_of_text(system)
    if variant.adapter:
        try:
            _put_adapter(workspace, parts, variant.adapter)
        except runs.NoSuchRunError as error:
            raise adapter_gone(workspace, name, variant.adapter, error.happened) from error
        if variant.prompt:
            parts.system = system
    parts.template = variant.template or parts.template
    if variant.model:
        _put_model(workspace, parts, variant.model)
    if parts.model == Path() and parts.remote is None:
        raise UsageError(
            f"Variant {name!r} names no model", "It has neither model nor adapter.", "Add `model` to it."
        )
    parts.adapters = adapter_files(workspace, parts, variant.adapters or [])
    return parts


def adapter_files(workspace: Workspace, parts: Parts, given: Sequence[GgufAdapter]) -> list[GgufAdapter]:
    """Adapter files with whole paths. Raises UsageError or MissingError for what cannot be put on."""
    if given and parts.remote is not None:
        raise no_adapter_there(parts)
    for one in given:
        path = workspace.path(one.path)
        if not path.is_file():
            raise MissingError(
                "The adapter file is not there",
                f"Variant {parts.name!r} puts {path} on, which does not exist.",
                "Make one with: temper export RUN --adapter-only",
            )
    return [GgufAdapter(str(workspace.path(one.path)), one.scale) for one in given]


def no_adapter_there(parts: Parts) -> UsageError:
    """An adapter of a model that an API serves."""
    served = parts.remote.url if parts.remote else ""
    return UsageError(
        "An adapter goes onto a model on this machine",
        f"{parts.name!r} has an adapter, and its model is served at {served}.",
        "Leave one of them out.",
    )


def _put_model(workspace: Workspace, parts: Parts, reference: str) -> None:
    """The model that answers: files on this machine, or an API. Raises UsageError or MissingError."""
    settings = workspace.config.models.get(reference)
    if settings is None or not settings.url:
        parts.model = locate_model(workspace, reference)
        return
    check_reachable(settings.url, workspace.config.workspace.network)
    parts.model, parts.remote = Path(), RemoteModel(settings.url.rstrip("/"), settings.model, settings.key)
    if parts.adapter is not None:
        raise no_adapter_there(parts)


def check_reachable(url: str, network: bool) -> None:
    """Raise UsageError unless `url` is an HTTP address that the workspace lets models be asked at."""
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname or parsed.username or parsed.query:
        raise UsageError(
            "That is no address of an API",
            f"{url!r} should look like http://127.0.0.1:8000/v1, without a name, a password or a query.",
            "Mend `url` of the model in temper.toml.",
        )
    if not network and not is_loopback(parsed.hostname):
        raise UsageError(
            "The workspace stays on this machine",
            f"{url} is elsewhere, and questions would be sent there.",
            "If you want that, write into temper.toml: [workspace] network = true",
        )


def read_output(workspace: Workspace, output: Output) -> OutputFormat:
    """The shape of answers, its schema read. Raises MissingError or UsageError for a file that is no JSON."""
    if output.schema is not None:
        return OutputFormat("json_schema", schema=read_schema(workspace.path(output.schema)))
    if output.choices is not None:
        return OutputFormat("choice", choices=output.choices)
    if output.pattern is not None:
        return OutputFormat("regex", pattern=output.pattern)
    return OutputFormat("json_object" if output.json else "text")


def read_schema(path: Path) -> Any:
    """The JSON of a schema's file; whether it can be enforced is found out where it is compiled."""
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise MissingError(
            "The schema is not there", f"{path}: {error.strerror}.", "Check the path."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("The schema is not JSON", f"{path}: {error}.", "Mend that file.") from error
    except RecursionError as error:
        raise UsageError("The schema is nested too deeply", f"{path}.", "Make it flatter.") from error


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


def adapter_gone(workspace: Workspace, name: str, adapter: str, happened: str) -> UsageError:
    """A variant's adapter that is neither kept nor a run's: it was removed, or never there."""
    folder = workspace.paths.adapters
    kept = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ""
    return UsageError(
        f"The adapter of variant {name!r} is not there",
        f"{happened} Nor is one kept as {adapter!r}; kept are: {kept or 'none'}.",
        f"Train it anew, or name another in [variants.{name}]. To keep one: temper adapters keep RUN",
    )


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
    """The text of a prompt file, without surrounding blank lines. Raises MissingError or UsageError."""
    path = workspace.path(relative)
    if not path.is_file():
        raise MissingError(
            "The prompt file is not there",
            f"{path} does not exist.",
            "Check `prompt` in temper.toml or the recipe.",
        )
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageError(
            "The prompt file is not UTF-8",
            f"{path}: byte {error.object[error.start]:#x} at {error.start} is no UTF-8.",
            "Save the file as UTF-8.",
        ) from error
