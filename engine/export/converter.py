"""A process that runs llama.cpp's converter, started before it is known what it is to convert.

Importing what the converter needs takes longer than converting a probe: started first of all, the process has
done so when its orders come. Imports nothing heavy itself. Knows no models.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from engine.export.closing import Closing
from store import paths


class Converter(Closing):
    """A waiting process; it converts one model and ends. `probe`: its model will be one of few numbers.

    Offline, with a home and a folder of its own. Close it, which ends it whatever it does.
    """

    def __init__(self, probe: bool = False) -> None:
        self.probe = probe
        self._scratch = tempfile.TemporaryDirectory(prefix="temper-")
        self._folder = Path(self._scratch.name)
        script = Path(__file__).with_name("converter_process.py")
        command = [sys.executable, "-P", str(script), str(paths.converter_dir())]
        with self._log.open("wb") as log:
            self.process = start(command + ["probe"] * probe, log, self._folder)

    @property
    def _log(self) -> Path:
        return self._folder / "converter.log"

    @property
    def words(self) -> str:
        """All that it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def order(self, orders: bytes, arguments: list[str]) -> None:
        """Say what to do: `orders` in JSON (engine.export.convert.Orders), and the script's arguments."""
        (self._folder / "orders.json").write_bytes(orders)
        assert self.process.stdin is not None
        try:
            with self.process.stdin as told:
                told.write(json.dumps([str(self._folder / "orders.json"), arguments]).encode())
        except BrokenPipeError:
            pass  # it has ended already; its words say why

    def close(self) -> None:
        """End it, if it has not ended by itself, and remove what it left."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self._scratch.cleanup()


def start(command: list[str], log: IO[bytes], folder: Path) -> subprocess.Popen[bytes]:
    """The process, offline and at home in `folder`; it says all it has to say into `log`."""
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HOME": str(folder)}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ | offline, cwd=folder
    )
