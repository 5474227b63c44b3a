"""Faults planted in BANKING77, and how many of them `data check` finds: recall by check, and the time.

200 exact duplicates, 200 near-duplicates, 100 label conflicts, 50 held-out rows copied into train, 30 rows
with personal data; by words alone and, where it is there, with the embedder. What the checks say of the set's
own rows is written out by `write_sample`, to be judged by hand (docs/precision/).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.data.checks.contract import Embed
from engine.data.checks.run import check
from engine.data.derive import derive
from engine.inference.embedder import Embedder
from scripts.real_runs.commands import Commands
from scripts.real_runs.planting import Changed, jaccard, near_duplicate, with_personal_data
from store import datasets
from store.paths import WorkspacePaths, default_embedder
from store.records.data import DatasetInfo, Edit, Example, Message
from store.records.findings import CheckName, CheckReport, CheckSettings

SEED = 0
COUNTS = {"exact": 200, "near": 200, "conflict": 100, "leak": 50, "pii": 30}
CHECKS: dict[str, CheckName] = {
    "exact": "exact_duplicate",
    "near": "near_duplicate",
    "conflict": "label_conflict",
    "leak": "leakage",
    "pii": "pii",
}
REQUIRED = {"exact": 0.95, "near": 0.85, "conflict": 0.95, "leak": 0.95, "pii": 0.95}
SIMILAR = 0.5
SAMPLE = 100
JUDGED = Path(__file__).resolve().parents[2] / "docs" / "precision" / "banking77.jsonl"


class Planted(msgspec.Struct):
    """A row that was planted: its id, that of the row it was made from, and for near-duplicates how alike."""

    kind: str
    row: str
    original: str
    jaccard: float = 1.0


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """Import, plant, check. The gate: every recall as required."""
    source = data / "wallet" / "banking77" / "train.csv"
    temper.run("init", temper.root, "--template", "blank")
    mapping = ("--map", "input=text", "--map", "answer=category")
    temper.run("data", "import", source, "--as", "banking", *mapping, "--heldout", "0.1")
    paths = WorkspacePaths(temper.root)
    info, planted = plant(paths, "banking")
    alone = measured(paths, info, planted)
    figures = {
        "planted": COUNTS,
        "words alone": alone,
        "near-duplicates by Jaccard": histogram(planted, alone),
    }
    recalls = [alone["recall"]]
    if default_embedder().is_file():
        with Embedder(default_embedder()) as embedder:
            both = measured(paths, info, planted, embedder.embed)
        figures |= {"with the embedder": both, "by Jaccard, with the embedder": histogram(planted, both)}
        recalls.append(both["recall"])
    passed = all(recall[kind] >= least for recall in recalls for kind, least in REQUIRED.items())
    figures["judged by hand"] = verdicts(JUDGED)
    return {"passed": passed, **{name: _without_rows(value) for name, value in figures.items()}}


def plant(paths: WorkspacePaths, name: str, seed: int = SEED) -> tuple[DatasetInfo, list[Planted]]:
    """The next version of a dataset, with faults; and which. They are planted after the split."""
    parent = datasets.load_info(paths, name)
    rows = datasets.read_rows(paths, f"{name}@{parent.version}/all")
    made, planted = _faults(rows, random.Random(seed))
    with datasets.editing(paths, name):
        edits = [Edit("plant faults", len(made), f"seed {seed}")]
        derived = derive(paths, parent, [*rows, *made], lambda: edits)
    return derived.info, planted


def measured(
    paths: WorkspacePaths, info: DatasetInfo, planted: Sequence[Planted], embed: Embed | None = None
) -> dict[str, Any]:
    """Recall by kind of fault (near-duplicates from SIMILAR on), how much was found, and the seconds."""
    begin = time.monotonic()
    report = check(
        paths, f"{info.name}@{info.version}", CheckSettings(embeddings=embed is not None), embed=embed
    )
    named = {kind: _named(report, check_name) for kind, check_name in CHECKS.items()}
    judged = [one for one in planted if one.kind != "near" or one.jaccard >= SIMILAR]
    return {
        "recall": {
            kind: _share(one.row in named[kind] for one in judged if one.kind == kind) for kind in COUNTS
        },
        "together": _share(
            one.original in _together(report).get(one.row, ()) for one in judged if one.kind == "near"
        ),
        "rows named": {finding.id: finding.count for finding in report.findings},
        "seconds": round(time.monotonic() - begin, 1),
        "_near": named["near"],
    }


def histogram(planted: Iterable[Planted], measures: dict[str, Any]) -> dict[str, str]:
    """Near-duplicates found of those planted, by the Jaccard similarity of their words."""
    bins: dict[int, list[bool]] = {}
    for one in planted:
        if one.kind == "near":
            bins.setdefault(min(int(one.jaccard * 10), 10), []).append(one.row in measures["_near"])
    return {f"{at / 10:.1f}": f"{sum(found)} of {len(found)}" for at, found in sorted(bins.items())}


def _faults(rows: Sequence[Example], chance: random.Random) -> tuple[list[Example], list[Planted]]:
    """Rows to add, each made from another row of its own."""
    train = [row for row in rows if row.split == "train" and len(_asked(row).split()) >= 4]
    chance.shuffle(train)
    taken = iter(train)
    heldout = chance.sample([row for row in rows if row.split == "heldout"], COUNTS["leak"])
    labels = sorted({_answer(row) for row in rows})
    made: list[Example] = []
    planted: list[Planted] = []

    def add(kind: str, original: Example, asked: str, answer: str) -> None:
        row = f"planted-{kind}-{len(made)}"
        line = max(one.line for one in rows) + len(made) + 1
        made.append(Example(row, line, [Message("user", asked), Message("assistant", answer)]))
        planted.append(Planted(kind, row, original.row, jaccard(_asked(original), asked)))

    for row in _next(taken, COUNTS["exact"]):
        add("exact", row, _asked(row), _answer(row))
    for row in _next(taken, COUNTS["near"]):
        add("near", row, _changed(_asked(row), chance).text, _answer(row))
    for row in _next(taken, COUNTS["conflict"]):
        add("conflict", row, _asked(row), chance.choice([one for one in labels if one != _answer(row)]))
    for row in heldout:
        add("leak", row, _asked(row), _answer(row))
    for number, row in enumerate(_next(taken, COUNTS["pii"])):
        add("pii", row, with_personal_data(_asked(row), number, chance), _answer(row))
    return made, planted


def _changed(text: str, chance: random.Random) -> Changed:
    """A near-duplicate that is not the very same text."""
    while True:
        changed = near_duplicate(text, chance)
        if " ".join(changed.text.casefold().split()) != " ".join(text.casefold().split()):
            return changed


def _next(rows: Iterator[Example], count: int) -> list[Example]:
    return [next(rows) for _ in range(count)]


def _named(report: CheckReport, name: CheckName) -> set[str]:
    """The rows that a check's findings name, and those that stay in place of others."""
    findings = [finding for finding in report.findings if finding.check == name]
    groups = {row for finding in findings for group in finding.groups for row in group.rows}
    return {ref.row for finding in findings for ref in finding.rows} | groups


def _together(report: CheckReport) -> dict[str, set[str]]:
    """Each row with those that stand in a group of near-duplicates with it."""
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        for group in finding.groups if finding.check == "near_duplicate" else ():
            for row in group.rows:
                found.setdefault(row, set()).update(group.rows)
    return found


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return round(sum(found) / len(found), 4)


def _asked(row: Example) -> str:
    return row.messages[0].content


def _answer(row: Example) -> str:
    return row.messages[-1].content


def _without_rows(value: Any) -> Any:
    return {name: one for name, one in value.items() if name[0] != "_"} if isinstance(value, dict) else value


def verdicts(path: Path) -> dict[str, str]:
    """How many of the findings that were judged by hand were right, by check."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    counts: dict[str, list[bool]] = {}
    for line in lines:
        counts.setdefault(line["finding"].partition("/")[0], []).append(line["right"])
    return {check: f"{sum(right)} of {len(right)}" for check, right in counts.items()}


def write_sample(paths: WorkspacePaths, reference: str, report: CheckReport, path: Path) -> None:
    """A seeded sample of up to SAMPLE findings of each check with the texts, to be judged by hand."""
    texts = {row.row: row for row in datasets.iterate_rows(paths, f"{reference}/all")}
    chance = random.Random(SEED)
    with path.open("w", encoding="utf-8") as file:
        for name in CHECKS.values():
            units = [
                (finding.id, group.rows[0], other, group.score)
                for finding in report.findings
                if finding.check == name
                for group in finding.groups
                for other in group.rows[1:]
            ]
            for finding_id, one, other, score in chance.sample(units, min(SAMPLE, len(units))):
                line = {
                    "finding": finding_id,
                    "rows": [one, other],
                    "lines": [texts[one].line, texts[other].line],
                    "score": score,
                    "texts": [[_asked(texts[row]), _answer(texts[row])] for row in (one, other)],
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
