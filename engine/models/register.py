"""Base models under names of the workspace: looked at when they are written down and when listed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.models.builtin import PREFIX
from engine.models.directory import ModelDirectory
from engine.models.locate import path_of
from engine.models.names import check_name
from store.errors import MissingError, TemperError, UsageError
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


def add_model(workspace: Workspace, name: str, reference: str, replace: bool = False) -> ModelCard:
    """Write `[models.NAME]` to temper.toml, once the model is known to be complete.

    `reference` is a path (from the workspace unless absolute) or `builtin:tiny`.
    Raises UsageError or MissingError.
    """
    check_name(name)
    if name in workspace.config.models and not replace:
        raise UsageError(
            f"There is a model {name!r}",
            f"temper.toml has [models.{name}] with path {workspace.config.models[name].path!r}.",
            "Choose another name, or overwrite it with --replace.",
        )
    card = look(name, reference, workspace.root)
    workspace.amend("models", name, {"path": reference})
    return card


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
