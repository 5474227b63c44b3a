"""`temper ask` and `temper chat`: questions to a variant, answered by the local server."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, say
from engine.models.variants import read_schema
from store.errors import ExitCode, MissingError, UsageError
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.serving import ChatDelta
from store.workspace import Workspace, open_workspace

HELP = "/new forgets the conversation, /retrieval on|off, /quit leaves; Ctrl-C stops an answer."


class Asking(msgspec.Struct):
    """How questions are asked: the options of both commands. `prompt` is the text of a system prompt.

    `output` is the shape that the answer must have.
    """

    variant: str | None = None
    kb: str | None = None
    prompt: str | None = None
    retrieval: bool = True
    output: OutputFormat | None = None

    def stream(self, workspace: Workspace, messages: list[Message]) -> Generator[ChatDelta, None, None]:
        """The answer as it comes; what happens before it is said on stderr."""
        from engine.serving.client import ensure_server

        client = ensure_server(workspace, self.variant, say)
        with contextlib.closing(client):
            yield from client.chat(
                messages, self.retrieval, kb=self.kb, prompt=self.prompt, output=self.output
            )


@click.command()
@click.argument("question")
@click.option("--variant", help="A variant, run, `last` or model; the default one when left out.")
@click.option("--kb", metavar="NAME", help="Another knowledge base than the variant's.")
@click.option("--prompt", type=click.Path(path_type=Path), metavar="FILE", help="Another system prompt.")
@click.option("--no-retrieval", is_flag=True, help="Answer without the knowledge base.")
@click.option("--schema", type=click.Path(path_type=Path), metavar="FILE", help="Answer in JSON by a schema.")
@cpu_option
@json_option
def ask(
    question: str,
    variant: str | None,
    kb: str | None,
    prompt: Path | None,
    no_retrieval: bool,
    schema: Path | None,
    as_json: bool,
) -> None:
    """Ask one QUESTION; the answer goes to stdout, its sources to stderr."""
    workspace = open_workspace()
    asking = checked(workspace, variant, kb, prompt, no_retrieval)
    if schema is not None:
        asking.output = OutputFormat("json_schema", schema=read_schema(schema))
    deltas = asking.stream(workspace, [Message("user", question)])
    last = ChatDelta()
    with contextlib.closing(deltas):
        for last in deltas:
            if not as_json:
                click.echo(last.text, nl=False)
    if as_json:
        print_json(report(last))
    else:
        click.echo()
        say_end(last)
    if last.invalid:
        raise SystemExit(ExitCode.FAILED)


@click.command()
@click.option("--variant", help="A variant, run, `last` or model; the default one when left out.")
@click.option("--kb", metavar="NAME", help="Another knowledge base than the variant's.")
@click.option("--prompt", type=click.Path(path_type=Path), metavar="FILE", help="Another system prompt.")
@click.option("--no-retrieval", is_flag=True, help="Answer without the knowledge base.")
@cpu_option
def chat(variant: str | None, kb: str | None, prompt: Path | None, no_retrieval: bool) -> None:
    """Chat in the terminal."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # gives input() its line editing

    workspace = open_workspace()
    asking = checked(workspace, variant, kb, prompt, no_retrieval)
    say(HELP)
    messages: list[Message] = []
    while (line := read_line()) is not None:
        if line.startswith("/"):
            if line == "/quit":
                return
            obey(line, asking, messages)
        elif line:
            messages += converse(asking, workspace, messages, line)


def checked(
    workspace: Workspace, variant: str | None, kb: str | None, prompt: Path | None, no_retrieval: bool
) -> Asking:
    """The options, with the prompt read. Raises UsageError or MissingError for what cannot be."""
    if kb is not None:
        workspace.knowledge(kb)
        if no_retrieval:
            raise UsageError(
                "--kb and --no-retrieval exclude each other", f"Got --kb {kb}.", "Leave one out."
            )
    if prompt is not None and not prompt.is_file():
        raise MissingError("The prompt file is not there", f"{prompt} does not exist.", "Check --prompt.")
    text = prompt.read_text(encoding="utf-8").strip() if prompt else None
    return Asking(variant, kb, text, not no_retrieval)


def read_line() -> str | None:
    """What the user typed; empty after Ctrl-C, None at the end (Ctrl-D)."""
    try:
        return input("> ").strip()
    except EOFError:
        say("")
        return None
    except KeyboardInterrupt:
        say("\nLeave with Ctrl-D or /quit.")
        return ""


def obey(line: str, asking: Asking, messages: list[Message]) -> None:
    """One of the commands with a slash."""
    match line.split():
        case ["/new"]:
            messages.clear()
            say("A new conversation.")
        case ["/retrieval", "on" | "off" as state]:
            asking.retrieval = state == "on"
            say(f"Retrieval is {state}.")
        case _:
            say(HELP)


def converse(asking: Asking, workspace: Workspace, before: list[Message], question: str) -> list[Message]:
    """Ask, show the answer as it comes, and return the turn; Ctrl-C keeps what has come."""
    deltas = asking.stream(workspace, [*before, Message("user", question)])
    answer, last = "", ChatDelta()
    try:
        for last in deltas:
            answer += last.text
            click.echo(last.text, nl=False)
    except KeyboardInterrupt:
        say(" (stopped)")
    finally:
        deltas.close()  # ends the answer in the server too
    click.echo()
    say_end(last)
    answer = last.answer or answer
    return [Message("user", question), Message("assistant", answer)] if answer else []


def report(last: ChatDelta) -> dict[str, Any]:
    """What `ask --json` prints."""
    return {
        "answer": last.answer,
        "citations": last.citations,
        "support": last.support,
        "timings": last.timings,
        "finish_reason": last.finish_reason,
        "hits": [
            {"doc": hit.doc, "start": hit.start, "end": hit.end, "score": hit.score} for hit in last.hits
        ],
        "notices": last.notices,
        "valid": not last.invalid,
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
    }


def say_end(last: ChatDelta) -> None:
    """Sources and notices, on stderr."""
    for notice in last.notices:
        say(notice)
    if last.finish_reason == "length":
        say(f"The answer was cut after {last.completion_tokens} tokens.")
    for citation in last.citations:
        stale = f" (stale? {citation.stale})" if citation.stale else ""
        say(f"[{citation.n}] {citation.doc}, characters {citation.start} to {citation.end}{stale}")
    for sentence in last.support:
        if not sentence.supported:
            say(f"Unsupported: {last.answer[sentence.start : sentence.end]!r} ({sentence.why})")
