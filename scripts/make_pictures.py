"""Makes the README's pictures (docs/pictures/*.svg) from the real app.

Called by scripts/pictures. Runs and the chat are scripted; the data screen shows a real check of the support
template's rows, with some faults planted that real exports have; evals, failures, advice and searches are
really measured, on adapters that were really trained (scripts/picturing/measured.py).
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from textual.widgets import Static

from app.tui.app import TemperApp
from app.tui.chat_feed import Ending, Piece
from app.tui.screens.train import TrainScreen
from app.tui.widgets.field_list import FieldList
from app.tui.widgets.next_card import NextCard
from app.tui.widgets.rows_pane import RowsPane
from app.tui.widgets.token_view import TokenView
from app.tui.widgets.turn import Turn
from engine.jobs import launch
from engine.jobs.scripted import ScriptedParams
from scripts.picturing.measured import photograph_measured
from scripts.picturing.shapes import self_contained
from scripts.picturing.waiting import SIZE, until
from store import clock
from store.records.data import Message
from store.records.events import Finished, Step
from store.records.knowledge import Hit
from store.records.runs import RunSpec
from store.records.traces import Citation
from store.runs import EventWriter, RunFolder, create, view
from store.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
WARM_SECONDS = 300.0  # a worker that is warmed imports for long where others work too
LOOKED_AT = 0  # which finding is shown, from the top
PICTURES = ROOT / "docs" / "pictures"
SETTINGS = """
[workspace]
name = "wallet-support"
[models.tiny]
path = "builtin:tiny"
[datasets.support]
source = "data/support.jsonl"
heldout = 0.15
[knowledge.docs]
sources = ["knowledge"]
[variants.base]
model = "tiny"
[variants.tuned]
inherits = "base"
adapter = "last"
knowledge = "docs"
[defaults]
variant = "tuned"
"""
ANSWER = (
    "Freeze the wallet first: open the app on any other device, choose Security, then Freeze [1]. "
    "Nothing can be sent from a frozen wallet. On the new phone, restore it with your twelve words [2]."
)
HITS = [
    Hit("knowledge/recovery.md", 120, 312, 0.82, "If a phone is lost, freeze the wallet.", "Recovery"),
    Hit("knowledge/words.md", 0, 96, 0.61, "Twelve words, in order, restore a wallet.", "Twelve words"),
    Hit("knowledge/limits.md", 40, 130, 0.35, "A new device may send small amounts for one day.", "Limits"),
]
TEMPLATE = ROOT / "engine" / "templates" / "support"
RECIPE = 'base = "tiny"\ndataset = "support"\nprompt = "prompts/support.md"\nmax_length = 256\n'
PRIVATE = [
    ("My card ends up in the wrong town, write to nora.lind@posteo.example or +49 30 901820", "card"),
    ("Refund the fee to DE89 3704 0044 0532 0130 00 please", "fees"),
]


def training(done: int, total: int, seed: int) -> list[Step]:
    """A loss curve as small models have it: a steep fall, then a long tail with noise."""
    noise = random.Random(seed)
    return [
        Step(
            step=n,
            total=total,
            loss=0.31 + 2.6 * math.exp(-n / 45) + noise.gauss(0, 0.16) * math.exp(-n / 160),
            learning_rate=2e-3 * (1 - n / (total + 1)),
            tokens_per_second=noise.gauss(1840, 30),
            memory_bytes=1_410_000_000,
            eta_seconds=0.35 * (total - n),
        )
        for n in range(1, done + 1)
    ]


def as_script(events: list[Any]) -> list[dict[str, Any]]:
    """Events as a scripted run plays them."""
    return [msgspec.to_builtins(event) for event in events]


def ended_run(workspace: Workspace, job: Any, title: str, steps: list[Step], minutes_ago: int) -> None:
    """A finished run as it lies in a workspace, older than the running one."""
    now = clock.now
    clock.now = lambda: now() - timedelta(minutes=minutes_ago)  # the clock is one function for exactly this
    try:
        spec = RunSpec(clock.new_id(job), job, clock.stamp(), str(workspace.root), title=title)
        writer = EventWriter(create(workspace.paths.runs, spec))
        for event in [*steps, Finished(status="finished")]:
            writer.emit(event)
        writer.close()
    finally:
        clock.now = now


def fill(workspace: Workspace) -> RunFolder:
    """Runs that have ended, and one that goes on; the latter."""
    ended_run(workspace, "ingest", "ingest docs, 6 documents", [], 34)
    ended_run(workspace, "evaluate", "evaluate base on support", [], 27)
    ended_run(workspace, "train", "qlora tiny on support, rank 8", training(300, 300, 2), 19)
    ended_run(workspace, "export", "export rank 8, q8_0", [], 12)
    told = [{"kind": "notice", "title": "3 rows were cut", "text": "longer than 512 tokens", "level": "warn"}]
    saved = [{"kind": "checkpoint", "step": 200, "path": "artifacts/checkpoint-200"}]
    events = told + as_script(list(training(214, 300, 7))) + saved
    return launch.start(
        workspace, "scripted", ScriptedParams(events=events, hold=True), "qlora tiny on support, rank 32"
    )


def checked(workspace: Workspace) -> None:
    """The template's dataset with copies, contradictions and private data in it, imported and checked."""
    from engine.data.checks.asking import Asked, settings_for
    from engine.data.checks.run import check

    rows = (TEMPLATE / "data" / "support.jsonl").read_text(encoding="utf-8").splitlines()
    again = [rows[place] for place in range(0, 120, 5)]
    shouted = [row.replace(". ", "! ").replace("?", " ?") for row in rows[3:60:4]]
    others = [row.replace("fees", "card").replace("scam", "recovery") for row in rows[1:40:6]]
    private = [
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": asked},
                    {"role": "assistant", "content": f'{{"intent": "{intent}"}}'},
                ]
            }
        )
        for asked, intent in PRIVATE
    ]
    broken = ['{"messages": [{"role": "user", "content": "My phone is', '{"messages": []}']
    for folder in ("data", "prompts"):
        (workspace.root / folder).mkdir()
    shutil.copy(TEMPLATE / "prompts" / "support.md", workspace.root / "prompts")
    (workspace.root / "recipes" / "support.toml").write_text(RECIPE, encoding="utf-8")
    source = workspace.root / "data" / "support.jsonl"
    source.write_text(
        "\n".join([*rows, *again, *shouted, *others, *private, *broken]) + "\n", encoding="utf-8"
    )
    info, settings = settings_for(workspace, "support", Asked(recipe="support", embeddings=False))
    check(workspace.paths, f"{info.name}@{info.version}", settings)


class ScriptedChat:
    """An answer with passages, in the place of a server."""

    def answer(
        self, variant: str | None, messages: list[Message], retrieval: bool, stopped: Callable[[], bool]
    ) -> Iterator[Piece]:
        """As app.tui.chat_feed.ChatFeed answers."""
        yield Piece(ANSWER)
        cited = [Citation(n, hit.doc, hit.start, hit.end) for n, hit in enumerate(HITS[:2], 1)]
        yield Piece("", Ending("stop", cited, HITS))

    def close(self) -> None:
        """Nothing is connected."""


class Studio(TemperApp):
    """The real app."""

    def chat_feed(self) -> Any:
        """A scripted conversation."""
        return ScriptedChat()


async def photograph(workspace: Workspace) -> dict[str, str]:
    """Name and SVG of each screen."""
    app, taken = Studio(workspace, workspace.root), {}
    async with app.run_test(size=SIZE) as pilot:

        def take(name: str) -> None:
            taken[name] = app.export_screenshot(title=f"temper: {name}")

        await until(pilot, lambda: app.screen.query_one(NextCard).step)
        await pilot.pause(0.6)
        take("home")
        await pilot.press("2")
        await until(pilot, lambda: app.board.history and len(app.board.history.steps) == 214)
        await until(pilot, lambda: app.screen.query("#chart"))
        await pilot.pause(0.4)
        take("runs")
        await pilot.press(
            "3", *["space" if letter == " " else letter for letter in "I lost my phone"], "enter"
        )
        await until(pilot, lambda: app.screen.query(Turn) and app.screen.query_one(Turn).ending)
        await pilot.pause(0.3)
        take("chat")
        await pilot.press("f5")
        await until(pilot, lambda: app.screen.query_one(RowsPane).feed)
        await pilot.press("enter", *["down"] * LOOKED_AT)
        await pilot.pause(0.6)
        take("data")
        await pilot.press("r", "enter")
        await until(pilot, lambda: app.screen.query_one(TokenView).lines)
        await pilot.pause(0.4)
        take("preview")
        await filled_in(pilot, app)
        take("train")
    return taken


async def filled_in(pilot: Any, app: TemperApp) -> None:
    """The training form on the recipe with two changes, its rows counted and its worker warm."""
    await pilot.press("f3", "t")
    await until(pilot, lambda: isinstance(app.screen, TrainScreen) and app.screen.query(FieldList))
    screen = app.screen
    assert isinstance(screen, TrainScreen)
    for key, text in (("base", "tiny"), ("dataset", "support"), ("lora.rank", "16"), ("max_length", "256")):
        screen.form.put(key, text)
    screen.on_field_editor_changed()
    await until(pilot, lambda: screen.form.current and screen.form.outlook.rows)
    await until(pilot, lambda: "warm," in str(screen.query_one("#train-head", Static).content), WARM_SECONDS)
    screen.editor.listed.go_to("lora.rank")
    await pilot.pause(0.4)


def main() -> None:
    """Write the pictures; end the scripted run."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "TEMPER_RUNTIME_DIR": f"{folder}/runtime"}
        root = Path(folder) / "wallet-support"
        (root / "recipes").mkdir(parents=True)
        (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
        workspace = Workspace(root)
        checked(workspace)
        going = fill(workspace)
        try:
            taken = asyncio.run(photograph(workspace))
            taken |= photograph_measured(Path(folder) / "measured" / "wallet-support")
        finally:
            going.request_stop()
            while view(going).state in ("starting", "waiting", "running"):
                time.sleep(0.05)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, svg in taken.items():
        path = PICTURES / f"{name}.svg"
        path.write_text(self_contained(svg), encoding="utf-8")
        print(path.relative_to(ROOT))
        if "--png" in sys.argv and shutil.which("rsvg-convert"):
            subprocess.run(["rsvg-convert", "-w", "1600", "-o", path.with_suffix(".png"), path], check=True)


if __name__ == "__main__":
    main()
