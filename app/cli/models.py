"""`temper models`: base models under names. All logic is in engine.models.register."""

from __future__ import annotations

import click

from app.cli.output import json_option, print_facts, print_json, print_table, say
from app.cli.places import as_settings_path
from app.words import size
from store.workspace import open_workspace


@click.group()
def models() -> None:
    """Base models of the workspace."""


@models.command()
@click.argument("name")
@click.argument("path")
@click.option("--served", metavar="MODEL", default="", help="What the API at a URL calls its model.")
@click.option("--key", metavar="VARIABLE", default="", help="The environment variable with the API's key.")
@click.option("--replace", is_flag=True, help="Overwrite a model of that name.")
@json_option
def add(name: str, path: str, served: str, key: str, replace: bool, as_json: bool) -> None:
    """Call the model at PATH (a Hugging Face directory, a GGUF file, builtin:tiny) NAME.

    PATH may also be the URL of an OpenAI-compatible API, up to /v1: it can then be asked, evaluated, compared
    and used as a judge. On another machine that needs `network = true` in temper.toml.
    """
    from engine.models.register import add_model, is_url

    workspace = open_workspace()
    place = path if is_url(path) else as_settings_path(workspace, path)
    card = add_model(workspace, name, place, replace, served=served, key=key)
    if as_json:
        print_json(card)
        return
    template = {True: "its own", False: "none: a recipe needs `template`"}[card.chat_template]
    print_facts(
        [
            ("model", card.name),
            ("url" if card.form == "remote" else "path", card.path),
            ("served as" if card.form == "remote" else "architecture", card.architecture),
            ("numbers", card.dtype),
            ("context", f"{card.context:,} tokens" if card.context else ""),
            ("chat template", template if card.form == "directory" else ""),
            ("weights", size(card.bytes) if card.form != "remote" else ""),
        ]
    )
    say(f"Added [models.{name}] to temper.toml. Ask it: temper ask QUESTION --variant {name}")


@models.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The models of temper.toml and whether they can be used."""
    from engine.models.register import list_models

    cards = list_models(open_workspace())
    if as_json:
        print_json(cards)
        return
    if not cards:
        say("No models yet. Add one with: temper models add NAME PATH")
        return
    print_table(
        ("model", "form", "architecture", "numbers", "context", "weights", "path"),
        [
            (
                card.name,
                card.form or click.style("unusable", fg="red"),
                card.architecture,
                card.dtype,
                card.context or "",
                size(card.bytes) if card.bytes else "",
                card.path,
            )
            for card in cards
        ],
        right=(4, 5),
    )
    for card in cards:
        if card.problem:
            say(f"{card.name}: {card.problem}")
