"""jsonschema's judge of one draft with some keywords judged our way, wherever in a schema they stand.

jsonschema itself goes back to its own judge where a `$schema` stands: at the root too, once a `$ref` leads
there, and so would forget our keywords, deadlines and budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

Errors = Iterator[ValidationError]
Keyword = Callable[..., Errors]


def extended(draft: type[Validator], keywords: Mapping[str, Keyword]) -> Any:
    """The class of judges by `draft`, with `keywords`."""
    kind: Any = validators.extend(draft, keywords)  # type: ignore[no-untyped-call]  # the stubs leave its types out
    original = kind.evolve

    def evolve(judge: Any, **changes: Any) -> Any:
        schema = changes.get("schema")
        if isinstance(schema, dict) and "$schema" in schema:
            changes["schema"] = {word: value for word, value in schema.items() if word != "$schema"}
        return original(judge, **changes)

    kind.evolve = evolve
    return kind
