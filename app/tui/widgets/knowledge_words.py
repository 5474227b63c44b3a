"""What the knowledge screen says of a knowledge base, a document, an ingest; and where there is nothing."""

from __future__ import annotations

from textual.content import Content

from app.tui.messages import RunNow
from app.tui.texts import visible
from app.tui.widgets import run_words
from app.tui.widgets.document_list import Line
from app.tui.words import age
from store import clock

NOTHING = Content.assemble(
    ("No knowledge base yet\n", "bold"),
    ("Make one of documents: Markdown, text, HTML, PDF, DOCX, tables, code, notebooks\n\n", "$quiet"),
    ("temper kb ingest FOLDER --kb NAME\n\n", "bold $primary"),
    ("and they appear here.", "$quiet"),
)
INGEST_WIDTH = 60


def about_line(line: Line, passage: int) -> Content:
    """The head of the right side: a document and where one is in it, or the knowledge base."""
    if line.document is None:
        return Content.assemble((visible(line.skipped or line.base.name), "bold"))
    chunks = line.document.chunks
    chunk = chunks[min(passage, len(chunks) - 1)]
    where = f"passage {passage + 1} of {len(chunks)}, characters {chunk.start:,} to {chunk.end:,}"
    under = f"   under {visible(chunk.headings)}" if chunk.headings else ""
    return Content.assemble(
        (visible(line.document.name), "bold"),
        (f"   {where}\n", "$quiet"),
        (visible(chunk.title), "$primary"),
        (under, "$quiet"),
    )


def about_place(line: Line) -> Content:
    """What stands in place of a document: a knowledge base in figures, or why a file is not in it."""
    if line.skipped:
        return Content.assemble(
            ("Not in the knowledge base\n", "bold $warning"),
            (visible(line.reason), ""),
            ("\n\nMend or leave out the file, then press ", "$quiet"),
            ("i", "bold $accent"),
            (".", "$quiet"),
        )
    manifest = line.base.manifest
    if manifest is None:
        return Content.assemble(
            ("Never built\n", "bold"),
            ("Press ", "$quiet"),
            ("i", "bold $accent"),
            (", or type\n\n", "$quiet"),
            (f"temper kb ingest --kb {line.base.name}", "bold $primary"),
        )
    ago = age(manifest.created, clock.now())
    rows = [
        ("generation", f"{manifest.generation}, {'just now' if ago == 'now' else f'{ago} ago'}"),
        ("documents", f"{manifest.documents:,}"),
        ("passages", f"{manifest.chunks:,} of at most {manifest.chunk_tokens} tokens"),
        ("left out", f"{len(manifest.skipped):,}"),
        ("embedder", f"{manifest.embedder}, {manifest.dimension} dimensions"),
    ]
    return Content("\n").join(
        Content.assemble((f"{name:<12}", "$quiet"), (visible(value), "")) for name, value in rows
    )


def about_ingest(run: RunNow) -> Content:
    """An ingest that is under way, or why it failed."""
    problem = run_words.problem(run.view)
    return problem if problem is not None else run_words.head(run, INGEST_WIDTH)
