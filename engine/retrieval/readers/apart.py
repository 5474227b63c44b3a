"""Readers that could hang, crash or eat memory, in a process of their own.

PDF, DOCX and HTML are read by C code on files that anybody may have made. The process has limits of time and
memory; when it dies, the file is skipped with the reason and the next one gets a new process.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from typing import BinaryIO

import msgspec

from engine.retrieval.document import Document
from engine.retrieval.readers import Format, parse
from engine.retrieval.readers.problems import Unreadable

SECONDS = 120.0
MOST_MEMORY = 4 << 30
LENGTH = struct.Struct("<Q")


class Asked(msgspec.Struct):
    """What goes in."""

    name: str
    how: Format
    data: bytes


class Told(msgspec.Struct):
    """What comes out: one of both."""

    document: Document | None = None
    reason: str = ""


class Apart:
    """The process, started when first needed. Close it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None

    def parse(self, name: str, data: bytes, how: Format) -> Document:
        """The document that `data` is. Raises Unreadable, also when reading crashed or took too long."""
        process = self._started()
        try:
            _send(process.stdin, msgspec.msgpack.encode(Asked(name, how, data)))  # type: ignore[arg-type]  # a pipe
            told = msgspec.msgpack.decode(self._answer(process), type=Told)
        except TimeoutError as error:
            self.close()
            raise Unreadable(f"reading it took more than {self.seconds:.0f} s") from error
        except (OSError, EOFError) as error:
            code = process.wait(timeout=10)
            self.close()
            raise Unreadable(f"reading it crashed the reader (code {code})") from error
        if told.document is None:
            raise Unreadable(told.reason)
        return told.document

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            # -P keeps the user's folder off sys.path: a file called lxml.py there must not be imported.
            command = [sys.executable, "-P", "-m", "engine.retrieval.readers.apart"]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.process

    def _answer(self, process: subprocess.Popen[bytes]) -> bytes:
        deadline = time.monotonic() + self.seconds
        (length,) = LENGTH.unpack(self._receive(process, LENGTH.size, deadline))
        return self._receive(process, length, deadline)

    def _receive(self, process: subprocess.Popen[bytes], length: int, deadline: float) -> bytes:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        received = bytearray()
        while len(received) < length:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(descriptor, min(1 << 20, length - len(received)))
            if not part:
                raise EOFError
            received += part
        return bytes(received)


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer until the other side is gone."""
    while head := incoming.read(LENGTH.size):
        asked = msgspec.msgpack.decode(incoming.read(LENGTH.unpack(head)[0]), type=Asked)
        try:
            told = Told(parse(asked.name, asked.data, asked.how))
        except Unreadable as reason:
            told = Told(reason=str(reason))
        except MemoryError:
            told = Told(reason="reading it takes too much memory")
        except Exception as error:  # whatever a reader's library did not foresee is the file's fault here
            told = Told(reason=f"it cannot be read: {type(error).__name__}: {error}")
        _send(outgoing, msgspec.msgpack.encode(told))


def _send(pipe: BinaryIO, data: bytes) -> None:
    pipe.write(LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


if __name__ == "__main__":
    import resource

    from engine import offline

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    offline.guard()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between
    serve(sys.stdin.buffer, out)
