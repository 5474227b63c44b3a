"""`temper variants`: named compositions. All logic is in engine.models (compose, variants)."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from app.cli.output import json_option, print_facts, print_json, print_table, say
from app.cli.places import as_model, as_settings_path
from engine.models import compose
from engine.models.variants import Parts, describe
from store.records.workspace import FewShot, Output, Variant
from store.workspace import Workspace, open_workspace

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
"""Of a unified diff's lines, by their first letter."""


@click.group()
def variants() -> None:
    """Named compositions of model, adapter, prompt and knowledge."""


@variants.command()
@click.argument("name")
@click.option("--inherits", help="Another variant; its keys hold where this one is silent.")
@click.option("--model", help="A model of the workspace, a directory or a GGUF file.")
@click.option("--adapter", help="A training run (id, prefix, `last`) or a kept adapter.")
@click.option("--prompt", help="A prompt file: the system message.")
@click.option("--template", help="Plain text with {prompt} and {completion}, for models without a template.")
@click.option("--knowledge", help="A knowledge base, searched for every question.")
@click.option("--top-k", type=click.IntRange(1, 50), help="Passages given to the model.")
@click.option("--quant", help="GGUF type that is run, e.g. q8_0.")
@click.option("--schema", help="A JSON Schema file: every answer is JSON by it.")
@click.option("--few-shot", metavar="DATASET", help="Show rows of its train split before the question.")
@click.option("--few-shot-rows", type=click.IntRange(1, 64), default=3, show_default=True, help="How many.")
@click.option("--replace", is_flag=True, help="Overwrite a variant of that name.")
@json_option
def add(
    name: str,
    replace: bool,
    as_json: bool,
    schema: str | None,
    few_shot: str | None,
    few_shot_rows: int,
    **keys: Any,
) -> None:
    """Write the variant NAME to temper.toml, once all its parts are known to exist."""
    workspace = open_workspace()
    if schema:
        keys["output"] = Output(schema=as_settings_path(workspace, schema))
    if few_shot:
        keys["few_shot"] = FewShot(few_shot, few_shot_rows)
    if keys["model"]:
        keys["model"] = as_model(workspace, keys["model"])
    if keys["prompt"]:
        keys["prompt"] = as_settings_path(workspace, keys["prompt"])
    parts = compose.add_variant(workspace, name, Variant(**keys), replace)
    if as_json:
        print_json(details(workspace, parts))
        return
    print_parts(workspace, parts)
    say(f"Added [variants.{name}] to temper.toml. Ask it: temper ask QUESTION --variant {name}")


@variants.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The variants of temper.toml, inheritance applied."""
    workspace = open_workspace()
    default = workspace.config.defaults.variant
    found = {name: workspace.variant(name) for name in workspace.config.variants}
    if as_json:
        rows = [{"name": name, "default": name == default} | entry(one) for name, one in found.items()]
        print_json(rows)
        return
    if not found:
        say("No variants yet. Add one with: temper variants add NAME --model MODEL")
        return
    columns = ("model", "adapter", "prompt", "knowledge")
    print_table(
        ("variant", *columns, ""),
        [
            (name, *(getattr(one, key) or "" for key in columns), "default" if name == default else "")
            for name, one in found.items()
        ],
    )


@variants.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    """What NAME (a variant, a run, a model; the default variant when left out) is made of."""
    workspace = open_workspace()
    parts = describe(workspace, name)
    if as_json:
        print_json(details(workspace, parts))
    else:
        print_parts(workspace, parts)


@variants.command()
@click.argument("a")
@click.argument("b")
@json_option
def diff(a: str, b: str, as_json: bool) -> None:
    """The parts in which A and B differ; prompts and schemas line by line."""
    workspace = open_workspace()
    found = compose.differences(describe(workspace, a), describe(workspace, b))
    if as_json:
        print_json({"a": a, "b": b, "differences": found})
    elif not found:
        say(f"{a} and {b} are made of the same parts.")
    else:
        print_differences(a, b, found)


def print_differences(a: str, b: str, found: list[compose.Difference]) -> None:
    """A table of the values that differ, then texts line by line, what is new in green."""
    texts = [one for one in found if one.lines]
    # a text's hash says no more than its lines
    hidden = {"prompt_sha256"} if any(one.field == "system" for one in found) else set()
    values = [one for one in found if not one.lines and one.field not in hidden]
    if values:
        print_table(("part", a, b), [(one.field, plain(one.a), plain(one.b)) for one in values])
    for at, one in enumerate(texts):
        if at or values:
            click.echo()
        click.echo(click.style(one.field, bold=True))
        for line in one.lines:
            click.echo("  " + click.style(line, fg=COLOURS.get(line[:1])))


def entry(variant: Variant) -> dict[str, Any]:
    """A variant's keys for `--json`."""
    keys: dict[str, Any] = msgspec.to_builtins(variant)
    del keys["inherits"]
    return keys


def details(workspace: Workspace, parts: Parts) -> dict[str, Any]:
    """What `variants show --json` prints."""
    gguf = cached(workspace, parts)
    return {**msgspec.to_builtins(parts, enc_hook=str), "gguf": gguf}


def cached(workspace: Workspace, parts: Parts) -> str | None:
    """The GGUF that would run, if there is one and it has been made."""
    if parts.remote is not None:
        return None
    from engine.export.gguf_cache import cached_gguf

    file = cached_gguf(workspace.paths, parts.model, parts.adapter, parts.quant)
    return str(file) if file else None


def print_parts(workspace: Workspace, parts: Parts) -> None:
    """A variant's page for people."""
    print_facts(
        [
            ("variant", parts.name),
            ("model", f"{parts.remote.model} at {parts.remote.url}" if parts.remote else parts.model),
            ("adapter", parts.adapter),
            ("put on", ", ".join(f"{one.path} x {one.scale:g}" for one in parts.adapters)),
            ("run", parts.run_id),
            ("prompt", f"{parts.prompt} ({parts.prompt_sha256[:12]})" if parts.prompt else ""),
            ("system", parts.system),
            ("template", parts.template),
            ("knowledge", f"{parts.knowledge}, {parts.top_k} passages" if parts.knowledge else ""),
            ("search", plain(msgspec.to_builtins(parts.search)) if parts.search else ""),
            ("few-shot", plain(msgspec.to_builtins(parts.few_shot)) if parts.few_shot else ""),
            ("output", plain(msgspec.to_builtins(parts.output)) if parts.output else ""),
            ("sampling", plain(msgspec.to_builtins(parts.sampling))),
            ("quant", parts.quant),
            ("gguf", "" if parts.remote else cached(workspace, parts) or "made when first needed"),
        ]
    )


def plain(value: object) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return "-" if value in (None, "") else " ".join(str(value).split())
