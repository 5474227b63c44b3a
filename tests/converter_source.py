"""The main of a process that forks converters: `python converter_source.py CHANNEL SCRIPT FOLDER [probe]`

SCRIPT is engine/export/converter_process.py; FOLDER and probe are what its own main gets. CHANNEL is the
number of a socket that asks for forks (tests/converters.py).
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import traceback
from typing import Any


def main(channel_number: int, script: str, folder: str, *probe: str) -> None:
    """Get ready, then fork for all who ask."""
    product = loaded(script)
    product.get_ready(folder, bool(probe))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    with socket.socket(fileno=channel_number) as channel:
        while (asked := socket.recv_fds(channel, 1 << 18, 3))[0]:
            if os.fork() == 0:
                channel.close()
                watch(product, folder, asked[0], asked[1])
            for number in asked[1]:
                os.close(number)


def loaded(script: str) -> Any:
    """The product's script as a module."""
    spec = importlib.util.spec_from_file_location("converter_process", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def watch(product: Any, folder: str, home: bytes, pipes: list[int]) -> None:
    """Fork again, and tell its process id and how it ends. Never returns."""
    orders, log, tell = pipes
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    product.die_with_parent()
    child = os.fork()
    if child == 0:
        os.close(tell)
        product.die_with_parent()
        for there, here in ((orders, 0), (log, 1), (log, 2)):
            os.dup2(there, here)
        os.close(orders)
        os.close(log)
        convert(product, folder, home)
    os.close(orders)
    os.write(tell, f"{child}\n".encode())
    os.write(tell, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())
    os._exit(0)


def convert(product: Any, folder: str, home: bytes) -> None:
    """What the converter's own main does once it is ready. Never returns."""
    os.chdir(home)
    code = 1
    try:
        product.obey(folder)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
