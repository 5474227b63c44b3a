"""240 drawn schemas with instances, judged by jsonschema: no invalid one gets through, valid ones do."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from engine.inference.structured.refusal import SchemaRefused
from engine.inference.structured.structure import Structure, schema_structure
from store.errors import TemperError
from tests.engine.inference.structured.schemas import Draw, spelled

SEEDS = range(240)
MOST_REFUSED = 0.15
"""Many that are drawn at random can be satisfied by nothing, or count keys that may be left out."""
ORACLE = FormatChecker(("date", "ipv4", "ipv6", "uuid"))
DRAFTS = (Draft7Validator, Draft202012Validator)
CHANGES = 4
"""Every fourth instance is as it was drawn, its keys in the order of the schema; the others are changed."""
ESCAPED = 3
"""The spelling in which letters beyond ASCII are escaped: a grammar takes an escaped key for another one."""


@lru_cache(maxsize=len(SEEDS))
def drawn(seed: int) -> tuple[Any, Structure | None, list[tuple[Any, bool]]]:
    """A schema, its structure (None: refused), and instances with what jsonschema says of them."""
    draw = Draw(seed)
    schema = draw.schema()
    oracle = DRAFTS[seed % 2](schema, format_checker=ORACLE)
    instances = []
    for at in range(8):
        value = draw.instance(schema, schema)
        for _ in range(at % CHANGES):
            value = draw.broken(value)
        instances.append((value, oracle.is_valid(value)))
    try:
        return schema, schema_structure(schema), instances
    except SchemaRefused as refusal:
        assert refusal.keyword
        assert refusal.place.startswith("#")
        return schema, None, instances


def follows(structure: Structure, text: str) -> bool:
    """Whether the grammar could have written it; one that gives up could not."""
    try:
        return structure.follows(text)
    except TemperError:
        return False


@pytest.mark.parametrize("block", range(0, len(SEEDS), 40))
def test_no_invalid_instance_gets_through_in_any_spelling(block: int) -> None:
    for seed in SEEDS[block : block + 40]:
        schema, structure, instances = drawn(seed)
        for value, valid in instances:
            if structure is None or valid:
                continue
            for how in (0, ESCAPED):
                text = spelled(value, how)
                assert structure.problem(text), f"{seed}: {json.dumps(schema)} takes {text}"
            for how in (0, 1, 2, 4):  # and the grammar alone stops it
                text = spelled(value, how)
                assert not follows(structure, text), f"{seed}: {json.dumps(schema)} writes {text}"


def test_a_valid_instance_is_taken_and_could_have_been_written() -> None:
    written = taken = 0
    for seed in SEEDS:
        schema, structure, instances = drawn(seed)
        for at, (value, valid) in enumerate(instances):
            if structure is None or not valid:
                continue
            assert structure.problem(json.dumps(value)) == "", f"{seed}: {json.dumps(schema)} {value!r}"
            for how in (0, 1, 2, 4) if at % CHANGES == 0 else ():
                taken += 1
                written += follows(structure, spelled(value, how))

    assert taken > 800
    assert written == taken


def test_the_order_of_keys_changes_no_judgement() -> None:
    shuffle = random.Random(0)
    for seed in SEEDS:
        _, structure, instances = drawn(seed)
        for value, valid in instances:
            if structure is not None and isinstance(value, dict):
                items = list(value.items())
                shuffle.shuffle(items)
                assert (structure.problem(json.dumps(dict(items))) == "") == valid


def test_few_of_them_are_refused_and_both_answers_occur() -> None:
    found = [drawn(seed) for seed in SEEDS]
    verdicts = [valid for _, structure, instances in found if structure for _, valid in instances]

    assert sum(structure is None for _, structure, _ in found) <= MOST_REFUSED * len(SEEDS)
    assert 0.2 < sum(verdicts) / len(verdicts) < 0.8
