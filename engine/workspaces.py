"""New workspaces: a template's files in a folder, temper.toml last, so that half a workspace is none.

Does not know what the files say, beyond the name in temper.toml. Works without git.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from store import atomic
from store.errors import UsageError
from store.paths import SETTINGS
from store.workspace import Workspace

TEMPLATES = Path(__file__).parent / "templates"
FOLDERS = ("data", "recipes", "evals", "knowledge", "prompts", "labels")
IGNORE = ".gitignore"
IGNORED = (".temper/", "adapters/")
KEEPER = ".gitkeep"  # holds an empty folder in the package; a workspace's folders are made without it


def templates() -> list[str]:
    """Names of the templates there are."""
    return sorted(path.parent.name for path in TEMPLATES.glob(f"*/{SETTINGS}"))


def create(directory: Path, template: str) -> Workspace:
    """Make `directory` a workspace of `template`, named after the folder; no file of the user's is replaced.

    Safe to run again after a kill. Raises UsageError where another file stands in the way.
    """
    root = directory.resolve()
    files = read_template(template)
    files[SETTINGS] = named(files[SETTINGS], root.name)
    ignore = files.pop(IGNORE, b"").decode()
    check_room(root, files)
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    write_ignore(root / IGNORE, ignore)
    for relative in sorted(files, key=lambda name: (name == SETTINGS, name)):
        if not (root / relative).is_file():
            atomic.write_bytes(root / relative, files[relative])
    return Workspace(root)


def read_template(name: str) -> dict[str, bytes]:
    """The files of a template by their path in it. Raises UsageError with the templates there are."""
    folder = TEMPLATES / name
    known = templates()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"No template is called {name!r}",
            f"There are {', '.join(known) or 'none'}.{hint}",
            "Choose one with --template NAME.",
        )
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != KEEPER and "__pycache__" not in path.parts
    }


def named(settings: bytes, name: str) -> bytes:
    """temper.toml with the workspace's own name; comments stay."""
    import tomlkit

    document = tomlkit.parse(settings.decode())
    document.setdefault("workspace", tomlkit.table())["name"] = name
    return tomlkit.dumps(document).encode()


def check_room(root: Path, files: dict[str, bytes]) -> None:
    """Raise UsageError unless every file is new, or there already with the same content."""
    if root.exists() and not root.is_dir():
        raise UsageError("That is no folder", f"{root} is a file.", "Name a folder, new or not.")
    if (root / SETTINGS).is_file():
        raise UsageError(
            "This is a workspace already",
            f"{root} holds {SETTINGS}.",
            "Name another folder: temper init DIR",
        )
    taken = [name for name, content in files.items() if not fits(root / name, content)]
    if taken:
        raise UsageError(
            "Files stand in the way",
            f"{root} holds {', '.join(taken)} with other content, and nothing is overwritten.",
            "Name an empty folder, or move these files away first.",
        )


def fits(path: Path, content: bytes) -> bool:
    """Whether `content` can come to `path`: nothing is there, or just that."""
    if not path.exists():
        return not any(parent.is_file() for parent in path.parents)
    return path.is_file() and path.read_bytes() == content


def write_ignore(path: Path, template: str) -> None:
    """The template's .gitignore, or one's own with what is missing of it added."""
    if not path.is_file():
        lines = template.splitlines() or list(IGNORED)
        text = "\n".join([*lines, *(one for one in IGNORED if one not in lines)]) + "\n"
        atomic.write_text(path, text)
        return
    text = path.read_text(encoding="utf-8")
    missing = [one for one in IGNORED if one not in text.splitlines()]
    if missing:
        atomic.write_text(path, text.rstrip("\n") + "\n" * bool(text) + "\n".join(missing) + "\n")
