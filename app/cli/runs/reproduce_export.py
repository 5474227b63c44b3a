"""`temper runs reproduce` of an export: its files are made again and must be the same, byte for byte."""

from __future__ import annotations

import click
import msgspec

from app.cli import watch
from app.cli.output import print_json, print_table, say
from store.errors import RefusedError
from store.records.exports import ExportResult
from store.runs import RunFolder
from store.workspace import Workspace


def reproduce_export(workspace: Workspace, folder: RunFolder, no_watch: bool, as_json: bool) -> None:
    """Start the same export in a new run and compare the files. Raises RefusedError where one differs."""
    from engine.jobs import exporting_again, launch

    params, passport = exporting_again.prepare(workspace, folder)
    command = f"temper runs reproduce {folder.run_id}"
    started = launch.start(workspace, "export", params, f"again: {folder.spec().title}", command)
    if no_watch:
        watch.print_started(started, as_json)
        say(f"Its files must have the hashes of: temper runs show {folder.run_id} --passport")
        return
    view = watch.watch(started, quiet=as_json)
    found = exporting_again.compare(passport.result, msgspec.convert(view.result, ExportResult))
    if as_json:
        files = [msgspec.to_builtins(file) | {"equal": file.equal} for file in found]
        print_json({"run_id": started.run_id, "reproduces": folder.run_id, "files": files})
    else:
        rows = [(file.type, file.sha256[:16], file.again[:16], verdict(file.equal)) for file in found]
        print_table(("type", "sha256", "again", ""), rows)
    if different := [file.type for file in found if not file.equal]:
        raise RefusedError(
            "The files are not those of the run",
            f"{', '.join(different)}: made from the same, but with other bytes.",
            f"Compare the passports: temper runs show {folder.run_id} --passport",
        )


def verdict(equal: bool) -> str:
    """Whether a file is the same, in its colour."""
    return click.style("the same file" if equal else "another file", fg="green" if equal else "red")
