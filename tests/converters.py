"""Conversions asked for in a test's own process: each a fork of one process that has imported everything.

Importing what llama.cpp's converter needs takes two seconds, converting so small a model a few tenths of one.
A converter as users have it runs in every worker that a test starts, and in engine/export/test_converter.py.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from engine.export import converter

_PRODUCTS = converter.start


@contextlib.contextmanager
def own_process() -> Iterator[None]:
    """A conversion inside the block has a process of its own, as users have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converter, "start", _PRODUCTS)
        yield


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """What engine.export.converter starts inside the block is a fork."""
    sources: dict[tuple[str, ...], Source] = {}

    def start(command: list[str], log: IO[bytes], folder: Path) -> Fork:
        if (kind := tuple(command)) not in sources:
            sources[kind] = Source(command)
        return Fork(sources[kind].channel, log, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converter, "start", start)
        yield
    for source in sources.values():
        source.close()


class Source:
    """The process that forks, for one kind of converter."""

    def __init__(self, command: list[str]) -> None:
        self.channel, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        script = str(Path(__file__).with_name("converter_source.py"))
        with theirs:
            self._process = subprocess.Popen(
                [*command[:2], script, str(theirs.fileno()), *command[2:]],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """It ends when nobody can ask anymore."""
        self.channel.close()
        self._process.wait()


class Fork:
    """As much of subprocess.Popen as a Converter uses. Its parent tells over a pipe how it ended."""

    def __init__(self, channel: socket.socket, log: IO[bytes], folder: Path) -> None:
        orders, told = os.pipe()
        ended, tell = os.pipe()
        socket.send_fds(channel, [os.fsencode(folder)], [orders, log.fileno(), tell])
        os.close(orders)
        os.close(tell)
        self.stdin = os.fdopen(told, "wb")
        self._ended = os.fdopen(ended, encoding="ascii")
        self.pid = int(self._ended.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        return self.wait() if self.returncode is None and self._told() else self.returncode

    def _told(self) -> bool:
        return bool(select.select([self._ended], [], [], 0)[0])

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        if self.returncode is None:
            with self._ended:
                self.returncode = int(self._ended.readline())
        return self.returncode

    def kill(self) -> None:
        """kill -9, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
