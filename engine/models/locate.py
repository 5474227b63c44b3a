"""From what a user types to a path: a model's name, a directory, a GGUF, a run's model, `builtin:tiny`."""

from __future__ import annotations

from pathlib import Path

from engine.models import adapters
from engine.models.builtin import PREFIX, builtin_directory
from store.errors import MissingError, UsageError
from store.workspace import Workspace


def locate_model(workspace: Workspace, reference: str) -> Path:
    """The directory or GGUF file that `reference` means. Raises UsageError or MissingError."""
    if reference in workspace.config.models:
        settings = workspace.config.models[reference]
        if settings.url:
            raise UsageError(
                "That model is not on this machine",
                f"{reference!r} is served at {settings.url}: it can be asked, evaluated and compared, "
                "not trained or exported.",
                "Name a model with files.",
            )
        reference = settings.path
    path = path_of(reference, workspace.root)
    if path.exists():
        return path
    if reference.startswith(PREFIX) or "/" in reference or path.suffix == ".gguf":
        raise MissingError(
            "The model is not there",
            f"{path} does not exist.",
            "Check the path in temper.toml or on the command line.",
        )
    made = adapters.find_model(workspace, reference)
    if made is not None:
        return made
    workspace.model(reference)  # raises, with the nearest name
    raise UsageError("No such model", reference, "Add it with: temper models add NAME PATH")


def path_of(reference: str, root: Path) -> Path:
    """The path that `reference` spells; relative ones start at `root`."""
    if reference.startswith(PREFIX):
        return builtin_directory(reference.removeprefix(PREFIX))
    return (root / Path(reference).expanduser()).resolve()
