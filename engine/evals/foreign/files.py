"""Files that a file of another tool names: found from where it lies, never fetched, never run."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.importers import strict_json
from engine.evals.suite.texts import is_writable
from engine.evals.suite.yaml_text import read_yaml
from store.errors import MissingError, TemperError, UsageError

YAML = (".yaml", ".yml")
CODE = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".sh", ".bash", ".pl")
_MARK = "file://"
_CODE = re.compile(rf"(?:{'|'.join(map(re.escape, CODE))})(?::\w+)?$")


def is_reference(value: Any) -> bool:
    """Whether a value names a file: `file://...`."""
    return isinstance(value, str) and value.startswith(_MARK)


def is_code(reference: str) -> bool:
    """Whether it names a program, which is never run."""
    return reference.startswith("exec:") or bool(_CODE.search(reference))


def is_far(reference: str) -> bool:
    """Whether it names something that is not on this machine."""
    return "://" in reference and not reference.startswith(_MARK)


def found(reference: str, folder: Path) -> list[Path]:
    """The files that a reference means, in order; it may hold * and **. Empty where there is none."""
    name = reference.removeprefix(_MARK).partition("#")[0]
    path = folder / Path(name).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if not glob.has_magic(name):
        return []
    return sorted(Path(one) for one in glob.glob(str(path), recursive=True) if Path(one).is_file())


def read_text(path: Path) -> str:
    """A text file. Raises MissingError or UsageError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise MissingError("No such file", f"{path} is not there.", "Check the path.") from None
    except UnicodeDecodeError:
        raise UsageError(
            "The file is no text", f"{path.name} is not UTF-8.", "Save it as UTF-8, if it is text."
        ) from None
    except OSError as error:
        raise UsageError(
            "The file cannot be read", f"{path}: {error.strerror}.", "Name a text file."
        ) from error


def read_value(path: Path) -> Any:
    """What a YAML, JSON or JSONL file holds; a list for JSONL. Raises MissingError or UsageError."""
    text = read_text(path)
    if path.suffix == ".jsonl":
        return [value for _, value in json_lines(text, path)]
    what = "YAML" if path.suffix in YAML else "JSON"
    try:
        value = read_yaml(text).value if what == "YAML" else strict_json.decode(text)
        if not is_writable(value):
            raise ValueError("a \\u escape is half a character, which no text can hold")
        return value
    except ValueError as error:
        raise UsageError(f"The file is not {what}", f"{path}: {error}.", "Mend it there.") from error


def json_lines(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """The values of a JSONL file, each with its line. Raises UsageError naming every line that is none."""
    wrong, values = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = strict_json.decode(line)
            if not is_writable(value):
                raise ValueError("a \\u escape is half a character, which no text can hold")
            values.append((number, value))
        except ValueError as error:
            wrong.append(f"{path}, line {number}: {error}.")
    if wrong:
        more = [f"and {len(wrong) - 20} more"] if len(wrong) > 20 else []
        raise UsageError("The file is not JSONL", "\n".join(wrong[:20] + more), "Mend these lines.")
    yield from values


def why(error: TemperError) -> str:
    """A file's error in half a sentence."""
    return error.happened.rstrip(".") or error.title
