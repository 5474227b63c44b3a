"""What a check is asked with: what the user says, filled up from the workspace.

The serving variant, the task file and the embedder are taken where they are there, and every choice that
nobody made is said. Front ends ask here, so that all of them check alike.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.data.checks.schema import judge_of
from engine.data.checks.task_file import read_task
from engine.data.ensure import ensure_dataset
from engine.models.locate import locate_model
from engine.models.variants import read_prompt
from engine.retrieval.sources import BUILTIN_EMBEDDER, embedder_path
from engine.training.recipe import find_recipe, load_recipe, trains_on
from store.errors import MissingError, UsageError
from store.records.data import DatasetInfo
from store.records.findings import CheckSettings
from store.records.preview import Mask
from store.records.recipe import Recipe
from store.workspace import Workspace

TASK_FILE = "TASK.md"
MOST_EMBEDDED = 20_000
"""Rows up to which the embedder is used unasked: a small one reads about eighty a second on two cores."""


class Asked(msgspec.Struct):
    """What the user says; whatever is empty or None is found out. Paths start at the workspace."""

    model: str = ""
    max_length: int = 0
    mask: str = ""
    prompt: str = ""
    variant: str = ""
    schema: str = ""
    task: str = ""
    recipe: str = ""
    embeddings: bool | None = None
    known: bool = False
    languages: list[str] = []


def settings_for(
    workspace: Workspace,
    reference: str,
    asked: Asked,
    here: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[DatasetInfo, CheckSettings]:
    """The version to check, imported first where needed, and the settings; `say` hears what was chosen.

    Raises UsageError or MissingError for what is unknown, not there or cannot be read.
    """
    info = ensure_dataset(workspace, reference)
    recipe = _recipe(workspace, asked.recipe or _usual(workspace, info, asked, say), here or workspace.root)
    settings = of_recipe(workspace, recipe)
    if asked.model:
        locate_model(workspace, asked.model)
        settings.model = asked.model
    if asked.known and not settings.model:
        raise UsageError("Who is to be asked?", "--known asks a model.", "Name it: --model M")
    settings.max_length = asked.max_length or settings.max_length
    settings.mask = _mask(asked.mask) or settings.mask
    settings.system = read_prompt(workspace, asked.prompt) if asked.prompt else settings.system
    settings.variant = _variant(workspace, asked.variant) or settings.variant
    settings.schema = _schema(workspace, asked.schema)
    settings.task = _task(workspace, asked.task)
    settings.embeddings = _embeddings(workspace, info, asked.embeddings, say)
    settings.embedder = BUILTIN_EMBEDDER if settings.embeddings else ""
    settings.known = asked.known
    settings.languages = asked.languages
    return info, settings


def _usual(workspace: Workspace, info: DatasetInfo, asked: Asked, say: Callable[[str], None]) -> str:
    """The one recipe that trains on the dataset, where nothing that a recipe says was asked for."""
    chosen = asked.model or asked.max_length or asked.mask or asked.prompt
    found = [] if chosen else trains_on(workspace.root, info.name)
    if len(found) != 1:
        return ""
    say(f"Seen as {found[0]} trains it. Another: --recipe FILE, or --model M")
    return found[0]


def of_recipe(workspace: Workspace, recipe: Recipe | None) -> CheckSettings:
    """The settings that a recipe says, against the variant that will serve what it trains."""
    variant = serving_variant(workspace)
    if recipe is None:
        return CheckSettings(variant=variant)
    return CheckSettings(
        model=recipe.base,
        max_length=recipe.max_length,
        mask=recipe.mask,
        template=recipe.template,
        system=read_prompt(workspace, recipe.prompt) if recipe.prompt else "",
        variant=variant,
    )


def serving_variant(workspace: Workspace) -> str:
    """The variant that training is for, empty where none says so.

    The default one if it has an adapter, else the only one that takes the newest, else the default.
    """
    variants, default = workspace.config.variants, workspace.config.defaults.variant or ""
    if default in variants and workspace.variant(default).adapter:
        return default
    newest = [name for name in variants if workspace.variant(name).adapter == "last"]
    return newest[0] if len(newest) == 1 else default


def _recipe(workspace: Workspace, name: str, here: Path) -> Recipe | None:
    return load_recipe(find_recipe(workspace.root, name, here)) if name else None


def _variant(workspace: Workspace, name: str) -> str:
    """`name`, known to mean something. Raises UsageError or MissingError where it does not."""
    if name:
        from engine.data.checks.serving_mismatch import serving_of

        serving_of(workspace, name)
    return name


def _mask(mask: str) -> str:
    try:
        return msgspec.convert(mask, Mask) if mask else ""
    except msgspec.ValidationError as error:
        raise UsageError(
            "No such mask", f"{mask!r} is none.", "It is assistant, last, completion or whole."
        ) from error


def _schema(workspace: Workspace, path: str) -> str:
    """The text of a schema file, known to be a JSON Schema."""
    text = _read(workspace, path, "schema") if path else ""
    if text:
        judge_of(text)
    return text


def _task(workspace: Workspace, path: str) -> str:
    """The text of the task file: the one that is named, else the workspace's own if there is one."""
    own = workspace.paths.data / TASK_FILE
    if not path and not own.is_file():
        return ""
    text = _read(workspace, path or str(own), "task file")
    read_task(text)
    return text


def _read(workspace: Workspace, path: str, what: str) -> str:
    file = workspace.path(path)
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingError(f"The {what} cannot be read", f"{file}: {error}.", "Check the path.") from error


def _embeddings(
    workspace: Workspace, info: DatasetInfo, asked: bool | None, say: Callable[[str], None]
) -> bool:
    """Whether to use the embedder: as asked, else where it is installed and the rows are not too many."""
    if asked is False:
        return False
    try:
        embedder_path(workspace, BUILTIN_EMBEDDER)
    except MissingError:
        if asked:
            raise
        say("Compared by words only: the embedder is not installed (scripts/setup makes it).")
        return False
    if asked is None and info.rows_kept > MOST_EMBEDDED:
        say(
            f"Compared by words only: {info.rows_kept:,} rows would take the embedder long. "
            "To use it all the same: --embeddings"
        )
        return False
    return True
