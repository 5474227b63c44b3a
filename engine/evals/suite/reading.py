"""A suite's file as plain values: YAML, or JSONL with a case per line. Knows nothing of what they mean.

In JSONL the first line may be the suite's own (`name`, `checks` and so on, without an `id`); the name is the
file's otherwise.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from engine.data.importers import strict_json
from store.errors import MissingError, UsageError


def read_raw(path: Path) -> Any:
    """What the file holds. Raises MissingError without it, UsageError with the line that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError("No such suite", f"{path} is not there.", "Check the path.") from None
    except ValueError as error:
        raise _not("YAML" if path.suffix != ".jsonl" else "JSONL", path, error) from error
    except OSError as error:
        raise UsageError(
            "The suite cannot be read", f"{path}: {error.strerror}.", "Name a YAML file."
        ) from error
    return _lines(text, path) if path.suffix == ".jsonl" else _yaml(text, path)


def _yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the 45th of May
        raise _not("YAML", path, error) from error


def _lines(text: str, path: Path) -> dict[str, Any]:
    head: dict[str, Any] = {}
    cases: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = strict_json.decode(line)
        except ValueError as error:
            raise _not("JSONL", path, f"line {number}: {error}") from error
        if not cases and not head and isinstance(value, dict) and "id" not in value and "name" in value:
            head = value
        else:
            cases.append(value)
    return {"name": path.stem, **head, "cases": cases or head.get("cases", [])}


def _not(what: str, path: Path, error: object) -> UsageError:
    return UsageError(f"The suite is not {what}", f"{path}: {error}", "Mend it there.")


def _loader() -> Any:
    """YAML's safe loader, which takes the last of two equal keys in silence, made to refuse them."""
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            for key, count in Counter(keys).items():
                if count > 1:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key!r} stands twice", node.start_mark
                    )
            return super().construct_mapping(node, deep)

    return Loader
