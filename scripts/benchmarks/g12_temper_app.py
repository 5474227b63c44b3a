"""Temper's arm of G12: the terminal UI on the workspace argv[1]; leaves its first screen in the file argv[2].

With `eager` as argv[3] it first imports what lazy imports put off: the baseline arm of eager imports.
"""

import sys
from pathlib import Path

if sys.argv[3:] == ["eager"]:
    import bitsandbytes  # noqa: F401  # imported for its cost
    import chromadb  # noqa: F401
    import duckdb  # noqa: F401
    import llama_cpp  # noqa: F401
    import torch  # noqa: F401
    import trl  # noqa: F401

from app.tui.app import TemperApp
from store.workspace import open_workspace


class Measured(TemperApp):
    """The real app, which closes itself after its first frame."""

    def on_ready(self) -> None:
        self.call_after_refresh(self.painted)

    def painted(self) -> None:
        self.copy_to_clipboard("PAINTED")
        Path(sys.argv[2]).write_text(self.export_screenshot(), encoding="utf-8")
        self.exit()


if __name__ == "__main__":
    root = Path(sys.argv[1])
    Measured(open_workspace(root), root).run()
