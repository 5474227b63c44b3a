"""The knowledge screen: documents, passages in place, searches. Real generations, scripted searches."""

from __future__ import annotations

import pytest

from app.tui.dialogs.error import ErrorDialog
from app.tui.screens.knowledge import KnowledgeScreen
from app.tui.widgets.chunk_view import ChunkView
from app.tui.widgets.document_list import DocumentList
from app.tui.widgets.search_pane import HitList
from store.errors import UsageError
from store.records.events import Progress
from store.workspace import Workspace
from tests.app.tui.knowledge_stage import KnowledgeStaged, ScriptedSearches, cut, lay_knowledge, passages
from tests.app.tui.stage import Clock, alive, dialog, lay_run, text_of, until

pytestmark = pytest.mark.asyncio


def listed(app: KnowledgeStaged) -> list[str]:
    """The lines of the list, as texts."""
    documents = app.screen.query_one(DocumentList)
    return ["".join(text for text, _ in documents.line(at, 60)) for at in range(documents.count)]


def view_of(app: KnowledgeStaged) -> ChunkView:
    """The open document."""
    return app.screen.query_one(ChunkView)


async def test_documents_stand_below_their_knowledge_base_with_their_passages_counted(
    workspace: Workspace,
) -> None:
    lay_knowledge(workspace, skipped={"knowledge/broken.pdf": "encrypted"})
    app = KnowledgeStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(DocumentList).count == 4)
        head, limits, recovery, broken = (" ".join(line.split()) for line in listed(app))
        assert (head, limits, recovery) == (
            "docs 2 documents",
            "knowledge/limits.md 1",
            "knowledge/recovery.md 3",
        )
        assert broken == "▲ knowledge/broken.pdf"
        await pilot.press("end")
        await until(pilot, lambda: "encrypted" in text_of(app, "#document-text"))


async def test_a_document_shows_where_its_passages_begin(workspace: Workspace) -> None:
    lay_knowledge(workspace)
    app = KnowledgeStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(DocumentList).count)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(view_of(app).page.tops) == 3)
        drawn = [view_of(app).render_line(y).text.rstrip() for y in range(len(view_of(app).page.lines))]
        assert [line[:8].split()[0] for line in drawn if line[:6].strip()] == ["1", "2", "3"]
        await pilot.press("n", "n")
        assert "passage 3 of 3" in text_of(app, "#document-head")
        await pilot.press("n")
        assert "passage 3 of 3" in text_of(app, "#document-head")


async def test_what_a_search_finds_opens_in_its_document_and_escape_leads_back(workspace: Workspace) -> None:
    lay_knowledge(workspace)
    app = KnowledgeStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(DocumentList).count)
        await pilot.press("slash", *"lost", "enter")
        hits = app.screen.query_one(HitList)
        await until(pilot, lambda: hits.has_focus)
        assert app.searches.asked == [("docs", "lost")]
        assert "4 passages of generation 1 in 4 ms" in text_of(app, "#search-said")
        await until(pilot, lambda: "meaning 0.800   words 9.000" in text_of(app, "#hit-scores"))
        stages = text_of(app, "#search-stages")
        assert "4 of 50" in stages
        assert "knowledge/old.md 120: it is like knowledge/recovery.md" in stages
        await pilot.press("down", "enter")
        await until(pilot, lambda: "passage 2 of 3" in text_of(app, "#document-head"))
        await pilot.press("escape")
        await until(pilot, lambda: hits.has_focus)
        assert hits.cursor == 1
        await pilot.press("escape")
        assert app.screen.query_one(DocumentList).has_focus


async def test_a_search_that_fails_says_why_and_the_field_stays(workspace: Workspace) -> None:
    lay_knowledge(workspace)
    error = UsageError(
        "Knowledge base 'docs' was built with another embedder", "By b.gguf.", "Build it anew."
    )
    app = KnowledgeStaged(workspace, ScriptedSearches(error=error))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(DocumentList).count)
        await pilot.press("slash", *"lost", "enter")
        await dialog(pilot, ErrorDialog)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, KnowledgeScreen))
        assert "Type a question" in text_of(app, "#search-said")


async def test_a_search_that_finds_nothing_says_so(workspace: Workspace) -> None:
    lay_knowledge(workspace)
    app = KnowledgeStaged(workspace, ScriptedSearches([]))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(DocumentList).count)
        await pilot.press("slash", "x", "enter")
        await until(pilot, lambda: "Nothing found" in text_of(app, "#search-said"))


async def test_a_new_generation_appears_and_the_cursor_stays_on_its_document(workspace: Workspace) -> None:
    lay_knowledge(workspace)
    app = KnowledgeStaged(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        documents = app.screen.query_one(DocumentList)
        await until(pilot, lambda: documents.count == 3)
        await pilot.press("end")
        text = "# Added\n\nA document before the others."
        kept = [chunk for chunk in passages() if chunk.doc == "knowledge/recovery.md"]
        lay_knowledge(workspace, chunks=[*cut("knowledge/a.md", text, (0, len(text))), *kept])
        assert isinstance(app.screen, KnowledgeScreen)
        app.screen._look()
        await until(pilot, lambda: "knowledge/a.md" in "".join(listed(app)))
        assert documents.chosen is not None
        assert documents.chosen.name[1] == "knowledge/recovery.md"


async def test_a_knowledge_base_that_was_never_built_says_how_to(workspace: Workspace) -> None:
    app = KnowledgeStaged(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Never built" in text_of(app, "#document-text"))
        assert "temper kb ingest --kb docs" in text_of(app, "#document-text")


async def test_without_knowledge_bases_the_screen_says_what_to_type(workspace: Workspace) -> None:
    settings = workspace.root / "temper.toml"
    kept = settings.read_text().replace('[knowledge.docs]\nsources = ["knowledge"]\n', "")
    settings.write_text(kept.replace('knowledge = "docs"\n', ""))
    app = KnowledgeStaged(Workspace(workspace.root))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one("#no-knowledge").display)
        assert "temper kb ingest FOLDER --kb NAME" in text_of(app, "#no-knowledge")


async def test_an_ingest_under_way_is_shown_and_can_be_stopped(workspace: Workspace, clock: Clock) -> None:
    lay_knowledge(workspace)
    folder = lay_run(
        workspace,
        "ingest-1",
        "ingest",
        "ingest docs",
        [Progress(phase="embed", done=30, total=120, eta_seconds=9.0)],
    )
    with alive(folder):
        app = KnowledgeStaged(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.screen.query_one("#ingest-run").display)
            assert "30/120   0:09 left" in text_of(app, "#ingest-run")
            await pilot.press("z", "y")
            await until(pilot, (workspace.paths.runs / "ingest-1" / "control").exists)
