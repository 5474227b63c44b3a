"""A workspace that was really measured, and the pictures of its evals and knowledge screens.

Three adapters of more and more steps are trained on the support template with the embedded tiny model, and
each is evaluated as `tuned` when it is the newest; all by the commands that a user would type. Takes minutes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from app.tui.app import TemperApp
from app.tui.widgets.chunk_view import ChunkView
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.search_pane import HitList
from app.tui.widgets.variant_rows import VariantRows
from app.tui.widgets.versus_pane import ChangedList
from engine.data.ensure import ensure_dataset
from scripts.picturing.waiting import SIZE, until
from store import datasets, runs
from store.records.evals import Case
from store.workspace import Workspace

SUITE = "evals/support.yaml"
STEPS = 120
EARLIER = {"early": 30, "halfway": 70}
"""Training steps of the newest adapter, and of those before it, which get a variant of their own."""
QUESTION = "how do i get my wallet back without the old phone?"
SEARCH = "\n[knowledge.docs.search]\ndiversity = 0.4\n"
CHECKS = """
checks:
  - kind: json_schema
    schema: schemas/intent.json
  - kind: exact
  - {kind: length, max: 30}
"""


def temper(workspace: Path, *words: str) -> None:
    """One command, as a user would type it. Raises CalledProcessError where it fails."""
    program = "from app.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-P", "-c", program, *words]
    print("temper", *words, file=sys.stderr)
    subprocess.run(command, cwd=workspace, env=os.environ, check=True, stdout=subprocess.DEVNULL)


def newest(workspace: Workspace, job: Any) -> str:
    """The newest run of a kind."""
    return runs.list_folders(workspace.paths.runs, job)[0].run_id


def write_suite(workspace: Workspace) -> None:
    """The held-out rows one by one, with what they are about as slices; losing money is critical."""
    cases = []
    for row in datasets.read_rows(workspace.paths, "support/heldout"):
        asked, answered = row.messages[-2].content, row.messages[-1].content
        intent = msgspec.json.decode(answered)["intent"]
        tags = ["critical"] if intent in ("scam", "recovery") else []
        cases.append(Case(row.row, asked, answered, tags, slices={"intent": intent}))
    listed = msgspec.json.encode(cases).decode()
    (workspace.paths.evals / "support.yaml").write_text(
        f"name: support\ncases: {listed}{CHECKS}", encoding="utf-8"
    )


def begin(root: Path) -> Workspace:
    """Set up, and train and evaluate all adapters but the newest."""
    root.parent.mkdir(parents=True)
    temper(root.parent, "init", str(root), "--template", "support")
    settings = root / "temper.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SEARCH, encoding="utf-8")
    workspace = Workspace(root)
    ensure_dataset(workspace, "support")
    write_suite(workspace)
    temper(root, "eval", SUITE, "--variant", "base")
    temper(root, "triage", "--confirm", "all")
    for name in EARLIER:
        train(root, EARLIER[name])
        pinned = f'\n[variants.{name}]\ninherits = "base"\nadapter = "{newest(workspace, "train")}"\n'
        settings.write_text(settings.read_text(encoding="utf-8") + pinned, encoding="utf-8")
    return Workspace(root)


def train(root: Path, steps: int) -> None:
    """A new adapter, and what it is worth."""
    temper(root, "train", "recipes/support.toml", "--set", f"max_steps={steps}")
    temper(root, "eval", SUITE, "--variant", "tuned")


def finish(root: Path) -> Workspace:
    """Train the newest adapter, measure all of them, ask the advisor, index the documents."""
    train(root, STEPS)
    temper(root, "eval", SUITE, *(f"--variant={name}" for name in EARLIER))
    temper(root, "eval", SUITE, "--variant", "tuned")
    temper(root, "kb", "ingest")
    temper(root, "advise", "support", "--adapter", "tuned")
    return Workspace(root)


class Session:
    """An app that runs, and what was photographed of it."""

    def __init__(self, pilot: Any) -> None:
        self.pilot = pilot
        self.taken: dict[str, str] = {}

    @property
    def screen(self) -> Any:
        """What is to be seen."""
        return self.pilot.app.screen

    async def take(self, name: str) -> None:
        """Photograph it under this name."""
        self.pilot.app.clear_notifications()
        await self.pilot.pause(0.5)
        self.taken[name] = self.pilot.app.export_screenshot(title=f"temper: {name}")

    async def wait(self, condition: Callable[[], Any]) -> None:
        """Until it holds."""
        await until(self.pilot, condition)


async def triage(session: Session) -> None:
    """The failures of the newest adapter, some of them decided."""
    await session.pilot.press("f7")
    await session.wait(lambda: session.screen.query_one(VariantRows).count)
    await session.pilot.press("enter", "x")
    groups = session.screen.query_one(GroupList)
    await session.wait(lambda: groups.count)
    for number, key in enumerate(("y", "y", "l", "y", "p"), start=1):
        await session.pilot.press(key)
        await session.wait(partial(_named, groups, number))
    await session.take("failures")


def _named(groups: GroupList, number: int) -> bool:
    return sum(group.named for group in groups.groups) >= number


async def look(session: Session) -> None:
    """Documents, a search, variants, two of them compared, the advice."""
    press = session.pilot.press
    await press("5")
    await session.wait(lambda: session.screen.query_one(ChunkView).page.lines)
    await press("down", "down")
    await session.take("knowledge")
    await press("slash", *("space" if letter == " " else letter for letter in QUESTION), "enter")
    await session.wait(lambda: session.screen.query_one(HitList).count)
    await session.take("search")
    await press("f7")
    rows = session.screen.query_one(VariantRows)
    await session.wait(lambda: rows.count)
    await press("enter", "s")
    await session.take("evals")
    rows.go_to("halfway")
    await press("a", "home", "v")
    await session.wait(lambda: session.screen.query_one(ChangedList).count)
    await session.take("compare")
    await press("d")
    await session.wait(lambda: session.screen.query(".advice-card"))
    await session.take("advice")


async def photograph(workspace: Workspace, way: Callable[[Session], Any]) -> dict[str, str]:
    """Name and SVG of each screen on the way."""
    app = TemperApp(workspace, workspace.root)
    async with app.run_test(size=SIZE) as pilot:
        session = Session(pilot)
        await session.wait(lambda: app.board.complete)
        await way(session)
    return session.taken


def photograph_measured(root: Path) -> dict[str, str]:
    """Measure a workspace in the folder `root`; name and SVG of each of its screens."""
    taken = asyncio.run(photograph(begin(root), triage))
    return taken | asyncio.run(photograph(finish(root), look))
