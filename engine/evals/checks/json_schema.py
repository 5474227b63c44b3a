"""The check `json_schema`: the answer, and nothing around it, is JSON that a schema accepts.

How a value is judged by a schema is engine.evals.checks.validating's.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict
from engine.evals.checks.validating import validator_of

PARTS, TRIES = 100, 1_000
"""So many pieces of JSON are looked at in an answer, and so many brackets tried as the beginning of one."""
_OPENS = re.compile(r"[\[{]")


class SchemaOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`schema` is a file beside the suite or the workspace, or the schema itself. `within`: other text may
    stand around the JSON, of which any that the schema accepts will do. `formats`: "format" is asserted, as
    in structured answers, and not only noted.
    """

    schema: str | bool | dict[str, Any] = ""
    within: bool = False
    formats: bool = True


def json_schema(options: SchemaOptions, bench: Bench) -> Judge:
    """The answer is JSON that the schema accepts."""
    if options.schema in ("", {}):
        raise ValueError("json_schema needs `schema`, a file")
    validate = validator_of(load_schema(options.schema, bench), options.formats)

    def judge(reply: Reply) -> Verdict:
        try:
            values = parts_of(reply.text) if options.within else [strict_json.decode(reply.text)]
        except ValueError as error:
            return Verdict(0.0, str(error), malformed=True)
        whys = [validate(value) for value in values]
        if not whys:
            return Verdict(0.0, "there is no JSON in it", malformed=True)
        return Verdict(1.0) if "" in whys else Verdict(0.0, whys[0], malformed=True)

    return judge


def parts_of(text: str) -> list[Any]:
    """The JSON objects and lists that stand in a text, in order; none within another. At most `PARTS`."""
    found: list[Any] = []
    decoder, at = strict_json.Decoder(), 0
    for _ in range(TRIES):
        begun = _OPENS.search(text, at)
        if begun is None or len(found) == PARTS:
            break
        try:
            value, at = decoder.raw_decode(text, begun.start())
        except (ValueError, RecursionError):
            at = begun.end()
        else:
            found += [] if decoder.problem else [value]
    return found


def load_schema(schema: str | bool | dict[str, Any], bench: Bench) -> Any:
    """A schema, parsed. Raises ValueError with the file's name for one that cannot be used."""
    name = ""
    if isinstance(schema, str):
        name = f"{schema}: "
        try:
            schema = strict_json.decode(bench.find(schema).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            text = str(error)
            raise ValueError(text if text.startswith(name) else name + text) from error
    if not isinstance(schema, dict | bool):
        raise ValueError(f"{name}is not a JSON Schema: neither an object nor true or false")
    try:
        validator_of(schema)
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    return schema


KINDS = (Kind("json_schema", "JSON that a schema accepts", SchemaOptions, json_schema),)
