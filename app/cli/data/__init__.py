"""`temper data`: a module per command, imported when it is called. All logic is in engine.data and store."""

from __future__ import annotations

import click

from app.cli.lazy import Commands, LazyGroup

COMMANDS: Commands = {
    "import": ("app.cli.data.import_:import_", "A file becomes the next version of a dataset."),
    "check": ("app.cli.data.check:check", "What is wrong with a dataset, before it is trained on."),
    "preview": ("app.cli.data.preview:preview", "Rows as they are, or as a model sees them."),
    "fix": ("app.cli.data.fix:fix", "Findings mended, as the next version."),
    "split": ("app.cli.data.split:split", "Hold rows out, as the next version."),
    "list": ("app.cli.data.list_:list_", "All versions of all datasets."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def data() -> None:
    """Import, check, mend and look at datasets."""
