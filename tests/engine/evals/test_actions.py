"""What failures call for: commands that parse, made of what the workspace has."""

from __future__ import annotations

import shlex

import click
import msgspec
import pytest

from app.cli.main import cli
from engine.evals.triage.actions import ACTIONS, Means, command_of
from engine.jobs.triage_means import importing
from store.records.triage import CATEGORIES, Category
from store.records.workspace import Dataset

ALL = Means("base", "prompts/my prompt.md", "schemas/a.json", "docs", "support", "data/rows.jsonl")
BY_HAND = ("safety", "product")


def parsed(line: str) -> tuple[click.Command, click.Context]:
    """The command that a pasted line means, its options checked; it is not run."""
    name, *words = shlex.split(line)
    command: click.Command = cli
    context = cli.make_context(name, words)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]  # click keeps the command's name in the first
        found, command_found, words = command.resolve_command(context, rest)
        assert found is not None
        assert command_found is not None
        command = command_found
        context = command.make_context(found, words, parent=context)
    return command, context


@pytest.mark.parametrize("category", [one for one in CATEGORIES if one not in BY_HAND])
def test_each_command_is_one_that_the_command_line_takes(category: Category) -> None:
    line = command_of(category, ALL)

    command, context = parsed(line)

    assert command.callback is not None
    assert context.params


def test_rows_are_imported_as_they_are_declared() -> None:
    declared = Dataset(
        "data/rows.csv",
        heldout=0.15,
        seed=3,
        stratify=False,
        shape="pairs",
        map={"input": "asked", "answer": "said"},
        answer_json="intent",
        encoding="cp1252",
        format="csv",
        roles={"agent": "assistant"},
        split_by="group",
    )
    means = msgspec.structs.replace(ALL, source=declared.source, importing=importing(declared))

    _, context = parsed(command_of("behaviour", means))

    taken = context.params
    same = ("heldout", "seed", "stratify", "shape", "answer_json", "encoding", "format", "split_by")
    assert {key: taken[key] for key in same} == {key: getattr(declared, key) for key in same}
    assert (taken["mapping"], taken["roles"]) == (("input=asked", "answer=said"), ("agent=assistant",))
    assert importing(Dataset("data/rows.csv")) == []


def test_what_was_never_ingested_is_ingested_before_its_search_is_checked() -> None:
    never = msgspec.structs.replace(ALL, ingested=False)

    assert command_of("retrieval", never) == "temper kb ingest --kb docs"
    assert command_of("retrieval", ALL).startswith("temper kb check --kb docs")


def test_a_line_with_an_option_that_is_not_there_would_not_parse() -> None:
    with pytest.raises(click.UsageError):
        parsed("temper kb check --kb docs --chunks 3")
    with pytest.raises(click.UsageError):
        parsed("temper data import rows.jsonl")  # without the dataset's name


@pytest.mark.parametrize("category", CATEGORIES)
def test_without_what_it_needs_there_is_an_action_and_no_command(category: Category) -> None:
    assert command_of(category, Means()) == ""
    assert ACTIONS[category].endswith(".")


def test_what_only_people_can_do_has_no_command() -> None:
    assert [command_of(category, ALL) for category in BY_HAND] == ["", ""]  # type: ignore[arg-type]  # names of categories
