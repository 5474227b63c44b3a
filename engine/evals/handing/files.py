"""The results of a run into a file of another form."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from engine.evals import stored
from engine.evals.handing.junit import junit_text
from engine.evals.handing.page import html_page
from engine.evals.handing.tables import csv_text, parquet_bytes
from store import atomic
from store.errors import UsageError
from store.runs import RunFolder

Form = Literal["junit", "csv", "parquet", "html"]
FORMS: tuple[Form, ...] = get_args(Form)
SUFFIX: dict[Form, str] = {"junit": "xml", "csv": "csv", "parquet": "parquet", "html": "html"}


def hand_over(folder: RunFolder, form: Form, path: Path) -> int:
    """Write a run's results into `path`; how many. Raises UsageError where the run has none."""
    results = list(stored.read(folder.results))
    if not results:
        raise UsageError(
            "The run has no results", f"{folder.run_id} answered no case.", "See: temper runs show"
        )
    match form:
        case "junit":
            data = junit_text(results).encode()
        case "csv":
            data = csv_text(results).encode()
        case "parquet":
            data = parquet_bytes(results)
        case "html":
            data = html_page(f"{results[0].suite}: {folder.run_id}", results).encode(errors="replace")
    atomic.write_bytes(path, data)
    return len(results)
