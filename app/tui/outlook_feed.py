"""Outlooks for the training form: a helper process that is asked with every change and answers when it can.

The helper loads tokenizers and reads rows; the screen's process only passes lines. Knows no widget.
"""

from __future__ import annotations

import contextlib
import contextvars
import subprocess
import sys
import tempfile
import threading
from typing import IO

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from app.tui.messages import Failed
from store.errors import TemperError
from store.records.outlook import Asked, Outlook
from store.workspace import Workspace

TAIL = 2000


class Heard(Message):
    """An answer has come."""

    def __init__(self, outlook: Outlook) -> None:
        super().__init__()
        self.outlook = outlook


class OutlookFeed:
    """Starts with `open`; `listener` gets Heard messages, errors go to its app. `close` ends the helper."""

    def __init__(self, workspace: Workspace) -> None:
        self._root = workspace.root
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unsent: Asked | None = None
        self._closed = False

    def open(self, listener: MessagePump) -> None:
        """Start the helper, in a thread: Textual's own workers would be waited for when the app closes."""
        context = contextvars.copy_context()  # where Textual finds the app of a thread
        threading.Thread(target=context.run, args=(self._run, listener), name="outlook", daemon=True).start()

    def ask(self, asked: Asked) -> None:
        """Ask for the outlook of a recipe; asked before the helper is there, it is asked then."""
        with self._turn:
            self._unsent = asked
            self._send()

    def close(self) -> None:
        """The helper ends when its input does; one that is busy is ended."""
        with self._turn:
            self._closed = True
            if self._process is not None:
                with contextlib.suppress(OSError):
                    assert self._process.stdin is not None
                    self._process.stdin.close()
                self._process.terminate()

    def _send(self) -> None:
        if self._process is None or self._unsent is None or self._closed:
            return
        asked, self._unsent = self._unsent, None
        with contextlib.suppress(OSError):  # it has ended: its reader says why
            assert self._process.stdin is not None
            self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
            self._process.stdin.flush()

    def _run(self, listener: MessagePump) -> None:
        # -P keeps the user's folder off sys.path: a file called numpy.py there must not be imported.
        command = [sys.executable, "-P", "-m", "engine.training.outlook_process", str(self._root)]
        with tempfile.TemporaryFile() as errors:
            with self._turn:
                if self._closed:
                    return
                self._process = process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
                )
                self._send()
            assert process.stdout is not None
            for line in process.stdout:
                if not self._closed:
                    listener.post_message(Heard(msgspec.json.decode(line, type=Outlook)))
            process.wait()
            process.stdout.close()
            if not self._closed:
                listener.app.post_message(Failed(_ended(errors, process.returncode)))


def _ended(errors: IO[bytes], code: int) -> TemperError:
    errors.seek(0)
    said = errors.read().decode("utf-8", errors="replace").strip()[-TAIL:]
    return TemperError(
        "The estimate has stopped",
        said or f"Its process ended with {code}.",
        "Close the form and open it again. temper train --dry-run makes the same estimate.",
    )
