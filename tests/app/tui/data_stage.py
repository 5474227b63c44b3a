"""Datasets, reports and previews for the tests of the data screen, laid by hand."""

from __future__ import annotations

import re
import threading

from textual.app import App
from textual.pilot import Pilot

from app.tui.preview_feed import View
from app.tui.screens.data import DataScreen
from app.tui.shelf import key_of
from app.tui.widgets.findings_pane import FindingsPane
from app.tui.widgets.row_table import RowTable
from app.tui.widgets.rows_pane import RowsPane
from store import check_reports, clock, datasets
from store.example_table import Writer
from store.records.data import DatasetInfo, Dropped, Edit, Example, Message
from store.records.findings import (
    CheckReport,
    CheckSettings,
    Finding,
    Group,
    RowRef,
    Severity,
    Skipped,
    Verdict,
)
from store.records.preview import Preview, Token
from store.workspace import Workspace
from tests.app.tui.stage import Staged, text_of, until

ASKED = [
    ("I lost my phone, how do I get my wallet back?", "recovery"),
    ("My phone is gone. How do I get my wallet back?", "recovery"),
    ("Which fee does a transfer to a friend cost?", "fees"),
    ("Somebody asked for my twelve words, what now?", "scam"),
    ("A shop charged my card twice for one coffee.", "card"),
    ("Write to me at nora.lind@example.org when it is done", "transfer"),
    ("I want to see my balance in euros, not in dollars", "settings"),
    ("My papers are in Arabic, can you read them?", "verification"),
]
TOKENS = re.compile(r"<\|[a-z_]+\|>|\n| ?\w+| ?[^\w\s<]+|<|\s")


async def press_once_open(pilot: Pilot[None], key: str) -> None:
    """Press a key when a version is open: before, nothing is there that the key could act on."""
    await until(pilot, lambda: text_of(pilot.app, "#data-head"))
    await pilot.press(key)


def open_version(app: App[None]) -> str:
    """The version of which everything has been read, `support@2`; empty while it is being read."""
    screen = app.screen_stack[-1]
    if not isinstance(screen, DataScreen) or screen._open is None or screen.query_one(RowsPane).feed is None:
        return ""
    return key_of(screen._open)


def rows_are_shown(app: App[None]) -> bool:
    """Whether every line of a table that is to be seen has its row's texts."""
    screen = app.screen_stack[-1]
    if not isinstance(screen, DataScreen):
        return True
    tables = [table for table in screen.query(RowTable) if table.is_on_screen]
    found = screen.query_one("#finding-rows", RowTable)
    if found in tables and screen.query_one(FindingsPane).has_class("rowed") and not found.count:
        return False  # the rows of the finding are being looked for
    return all(
        entry in table._cells
        for table in tables
        for entry in list(table.entries)[int(table.scroll_y) :][: table.size.height]
        if isinstance(entry, int)
    )


def example(number: int) -> Example:
    """Row `number`, counted from 0; every seventh is held out."""
    asked, intent = ASKED[number % len(ASKED)]
    later = f" (the {number + 1}th time I ask)" if number >= len(ASKED) else ""
    turns = [Message("user", asked + later), Message("assistant", f'{{"intent": "{intent}"}}')]
    return Example(f"{number:016x}", number + 1, turns, "heldout" if number % 7 == 6 else "train")


def lay_dataset(
    workspace: Workspace,
    name: str = "support",
    rows: int = 40,
    *,
    dropped: list[Dropped] | None = None,
    parent: str = "",
    edits: list[Edit] | None = None,
    examples: list[Example] | None = None,
) -> DatasetInfo:
    """The next version of a dataset."""
    listed = examples if examples is not None else [example(number) for number in range(rows)]
    lost = dropped or []
    splits: dict[str, int] = {}
    for one in listed:
        splits[one.split] = splits.get(one.split, 0) + 1

    def write(folder: object, version: int) -> DatasetInfo:
        from pathlib import Path

        assert isinstance(folder, Path)
        with Writer(folder / datasets.ROWS) as writer:
            for one in listed:
                writer.add(one)
        return DatasetInfo(
            name,
            version,
            "chat",
            f"data/{name}.jsonl",
            "0" * 64,
            "1" * 64,
            clock.stamp(),
            len(listed) + len(lost),
            len(listed),
            splits,
            lost,
            len(lost),
            "openai_chat",
            parent=parent,
            edits=edits or [],
        )

    with datasets.editing(workspace.paths, name):
        return datasets.publish(workspace.paths, name, write)


def finding(
    id: str, severity: Severity, title: str, rows: list[int], remedy: str = "", **more: object
) -> Finding:
    """A finding on rows by number."""
    refs = [RowRef(f"{number:016x}", number + 1) for number in rows]
    check = id.partition("/")[0]
    return Finding(id, check, severity, title, len(rows), refs, remedy, **more)  # type: ignore[arg-type]  # checks as text


def findings() -> list[Finding]:
    """One of each sort: groups, notes, a chart, nothing but a chart."""
    return [
        finding(
            "leakage/exact",
            "block",
            "2 held-out rows are also in train",
            [6, 14, 13, 21],
            "temper data fix support --drop-leaks",
            detail="A model that has seen the answer is not measured by it.",
            groups=[
                Group([f"{6:016x}", f"{14:016x}"], "the same question", 1.0),
                Group([f"{13:016x}", f"{21:016x}"], "13 words in a row", 0.83),
            ],
        ),
        finding(
            "near_duplicate",
            "warn",
            "12 rows say nearly the same as another",
            list(range(12)),
            "temper data fix support --drop-near-duplicates",
            detail="Word Jaccard 0.7 and more. One row of each group is kept.",
            figures={"threshold": 0.7, "jaccard": {"0.7": 2, "0.8": 5, "0.9": 3, "1.0": 2}},
        ),
        finding(
            "pii/email",
            "warn",
            "1 row holds an e-mail address",
            [5],
            "temper data fix support --mask pii",
            notes={f"{5:016x}": "n***@example.org"},
        ),
        finding(
            "imbalance",
            "info",
            "The largest class has 31 times as many rows as the smallest",
            [],
            figures={
                "classes": {
                    "recovery": 124,
                    "scam": 96,
                    "fees": 71,
                    "transfer": 66,
                    "verification": 40,
                    "card": 29,
                    "settings": 4,
                }
            },
        ),
    ]


def lay_report(
    workspace: Workspace, info: DatasetInfo, found: list[Finding] | None = None, verdict: Verdict = "block"
) -> CheckReport:
    """A report on a version, as a check would have stored it."""
    report = CheckReport(
        info.name,
        info.version,
        info.sha256,
        info.rows_kept,
        verdict,
        findings() if found is None else found,
        [Skipped("coverage", "there is no embedder here")],
        CheckSettings(model="tiny", max_length=512),
        clock.stamp(),
        1.4,
    )
    return check_reports.save(workspace.paths, report)


class ScriptedPreviews:
    """Cuts text at words instead of asking a tokenizer; with `hold` it waits until `let_go`."""

    def __init__(self, max_length: int = 512, hold: bool = False, error: Exception | None = None) -> None:
        self.max_length = max_length
        self.error = error
        self.let_go = threading.Event()
        self.asked: list[tuple[int, View]] = []
        if not hold:
            self.let_go.set()

    def first_name(self, dataset: str) -> str:
        """As app.tui.preview_feed.PreviewFeed."""
        return "recipes/support.toml"

    def choices(self) -> list[tuple[str, str]]:
        """The same."""
        return [
            ("recipes/support.toml", "as tiny is trained on support"),
            ("base", "as tiny is served"),
            ("tiny", "the model alone"),
        ]

    def preview(self, row: Example, view: View) -> Preview:
        """ChatML, an id per token from its place."""
        self.asked.append((row.line, view))
        assert self.let_go.wait(20)
        if self.error is not None:
            raise self.error
        tokens: list[Token] = []
        for turn in row.messages:
            trained = turn.role == "assistant" or view.mask == "whole"
            self._add(tokens, f"<|im_start|>{turn.role}\n", view.mask == "whole")
            self._add(tokens, f"{turn.content}<|im_end|>", trained)
            self._add(tokens, "\n", view.mask == "whole")
        kept = tokens[: self.max_length]
        lost = tokens[self.max_length :]
        return Preview(
            row.row,
            row.line,
            row.split,
            "tiny",
            view.mask or "assistant",
            self.max_length,
            tokens,
            sum(token.trained for token in kept),
            len(lost),
            sum(token.trained for token in lost),
            any(token.trained and token.text == "<|im_end|>" for token in kept),
        )

    def _add(self, tokens: list[Token], text: str, trained: bool) -> None:
        for match in TOKENS.finditer(text):
            tokens.append(Token(len(tokens), match.group(), trained, len(tokens) >= self.max_length))


class DataStaged(Staged):
    """The real app with scripted previews, opened on the data screen."""

    DEFAULT_MODE = "data"

    def __init__(self, workspace: Workspace, previews: ScriptedPreviews | None = None) -> None:
        super().__init__(workspace)
        self.previews = previews or ScriptedPreviews()

    def preview_feed(self) -> ScriptedPreviews:  # type: ignore[override]  # has the methods that the screen calls
        """The script."""
        return self.previews
