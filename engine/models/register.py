"""Base models under names of the workspace: looked at when they are written down and when listed."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from msgspec.structs import asdict

from engine.models.builtin import PREFIX
from engine.models.directory import ModelDirectory
from engine.models.locate import path_of
from engine.models.names import check_name
from engine.models.variants import check_reachable
from store.errors import MissingError, TemperError, UsageError
from store.records.workspace import RemoteModel
from store.workspace import Workspace

GGUF_MAGIC = b"GGUF"


class ModelCard(msgspec.Struct):
    """What a model is, read from its small files. `context` in tokens, 0 where unknown; `bytes`: its weights.

    Of one that is served (the form `remote`) only its name there is known, as `architecture`. `problem` says
    why it cannot be used, empty when it can.
    """

    name: str
    path: str
    form: str = ""
    architecture: str = ""
    dtype: str = ""
    context: int = 0
    chat_template: bool = False
    bytes: int = 0
    problem: str = ""


def add_model(
    workspace: Workspace, name: str, reference: str, replace: bool = False, *, served: str = "", key: str = ""
) -> ModelCard:
    """Write `[models.NAME]` to temper.toml, once the model is known to be complete.

    `reference` is a path (from the workspace unless absolute), `builtin:tiny`, or the URL of an API, which
    calls its model `served` (asked for when left out) and whose key stands in the environment variable `key`.
    Raises UsageError, MissingError, or TemperError where the API has to be asked and does not answer.
    """
    check_name(name)
    known = workspace.config.models.get(name)
    if known is not None and not replace:
        where = f"url {known.url!r}" if known.url else f"path {known.path!r}"
        raise UsageError(
            f"There is a model {name!r}",
            f"temper.toml has [models.{name}] with {where}.",
            "Choose another name, or overwrite it with --replace.",
        )
    if is_url(reference):
        remote = _remote(workspace, reference, served, key)
        workspace.amend("models", name, {field: one for field, one in asdict(remote).items() if one})
        return ModelCard(name, remote.url, "remote", remote.model)
    if served or key:
        raise UsageError(
            "That model is on this machine",
            f"{reference!r} is no URL, and --served and --key say how an API is asked.",
            "Leave them out, or give the URL of an API.",
        )
    card = look(name, reference, workspace.root)
    workspace.amend("models", name, {"path": reference})
    return card


def is_url(reference: str) -> bool:
    """Whether a model is named by the address of an API."""
    return "://" in reference


def _remote(workspace: Workspace, url: str, served: str, key: str) -> RemoteModel:
    """The model at `url`. Raises UsageError for what is no address, or elsewhere without consent."""
    check_reachable(url, workspace.config.workspace.network)
    if key and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        raise UsageError(
            "That is no environment variable",
            "The key itself is written nowhere: --key is the name of the variable that holds it.",
            "For example: --key TEACHER_KEY, and TEACHER_KEY=... in the environment.",
        )
    remote = RemoteModel(url.rstrip("/"), served, key)
    if not served:
        remote.model = _only_model(remote)
    return remote


def _only_model(remote: RemoteModel) -> str:
    """What the API calls its one model. Raises UsageError where it has several or none."""
    from engine.inference.remote_api import RemoteApi  # httpx takes a while to import

    api = RemoteApi(remote)
    try:
        found = api.models()
    finally:
        api.close()
    if len(found) != 1:
        raise UsageError(
            "Which model of that API?",
            f"{remote.url} has {len(found)}: {', '.join(found[:20])}",
            "Name one with --served.",
        )
    return found[0]


def list_models(workspace: Workspace) -> list[ModelCard]:
    """The models of temper.toml; one that cannot be used is listed with its problem."""
    return [
        ModelCard(name, model.url, "remote", model.model)
        if model.url
        else _listed(name, model.path, workspace.root)
        for name, model in workspace.config.models.items()
    ]


def look(name: str, reference: str, root: Path) -> ModelCard:
    """What the model at `reference` is. Raises MissingError or UsageError when it cannot be used."""
    path = path_of(reference, root)
    if path.suffix == ".gguf" or path.is_file():
        check_gguf(path)
        return ModelCard(name, reference, "gguf", bytes=path.stat().st_size)
    if not path.exists() and not reference.startswith(PREFIX):
        raise MissingError("The model is not there", f"{path} does not exist.", "Check the path.")
    directory = ModelDirectory(path)
    return ModelCard(
        name,
        reference,
        "directory",
        architecture=directory.architecture,
        dtype=directory.dtype,
        context=directory.context_length,
        chat_template=bool(directory.chat_template),
        bytes=sum(shard.stat().st_size for shard in directory.shards),
    )


def check_gguf(path: Path) -> None:
    """Raise MissingError or UsageError unless `path` is a GGUF file by its first bytes."""
    if not path.is_file():
        raise MissingError("The model file is not there", f"{path} does not exist.", "Check the path.")
    with path.open("rb") as file:
        if file.read(len(GGUF_MAGIC)) != GGUF_MAGIC:
            raise UsageError(
                "This is no GGUF file",
                f"{path} does not begin with {GGUF_MAGIC.decode()}.",
                "Name a GGUF file, or a folder with config.json, tokenizer.json and *.safetensors.",
            )


def _listed(name: str, reference: str, root: Path) -> ModelCard:
    try:
        return look(name, reference, root)
    except TemperError as error:
        return ModelCard(name, reference, problem=f"{error.title}: {error.happened}")
