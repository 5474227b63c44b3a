"""`temper serve`: the local server in this terminal, for programs that speak OpenAI's API."""

from __future__ import annotations

import signal
import subprocess
from types import FrameType

import click

from app.cli.output import cpu_option, json_option, print_json, say
from store.errors import ExitCode, TemperError
from store.workspace import open_workspace


@click.command()
@click.option("--variant", help="A variant, run, `last` or model; the default one when left out.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Any free one when left out.")
@click.option("--idle-minutes", default=0.0, type=click.FloatRange(min=0), help="Stop when idle. 0: never.")
@cpu_option
@json_option
def serve(variant: str | None, port: int, idle_minutes: float, as_json: bool) -> None:
    """Serve a variant on this machine until Ctrl-C; requests may name others as `model`."""
    from engine.serving.client import serve_in_terminal

    workspace = open_workspace()
    signal.signal(signal.SIGTERM, like_ctrl_c)
    options = ["--port", str(port), "--idle-minutes", str(idle_minutes)]
    server, process = serve_in_terminal(workspace, variant, options, say)
    base = f"{server.url}/v1"
    if as_json:
        print_json({"url": base, "token": server.token, "pid": server.pid})
    else:
        click.echo(f"url    {base}\ntoken  {server.token}")
        say(
            f"\nFor example:\n  curl {base}/chat/completions -H 'Authorization: Bearer {server.token}' \\\n"
            """    -d '{"messages": [{"role": "user", "content": "Hello"}]}'\n\nCtrl-C stops it."""
        )
    wait(process)


def wait(process: subprocess.Popen[bytes]) -> None:
    """Until the server ends by itself, or Ctrl-C. Raises TemperError when it broke."""
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()  # Ctrl-C in the terminal has reached it already; a signal to this process has not
        process.wait()
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    if code != 0:
        raise TemperError("The server ended", f"Exit code {code}.", "Its log is .temper/server.log.")


def like_ctrl_c(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the server too, instead of leaving it behind."""
    raise KeyboardInterrupt
