"""The demo, run once for real with the network cut, and the same recipe on labels that mean nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.training

TEMPER = str(Path(sys.executable).with_name("temper"))
# A network namespace of its own with nothing but loopback; some containers do not allow one.
CUT = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']


def can_cut() -> bool:
    """Whether this machine lets a test take its network away."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*CUT, "true"], capture_output=True, check=False).returncode == 0


def temper(where: Path, *words: str, cut: bool = False) -> Any:
    """What `temper WORDS --json` prints in the folder `where`."""
    command = [*(CUT if cut else []), TEMPER, *words, "--json"]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demo's workspace and its summary."""
    root = tmp_path_factory.mktemp("demo") / "desk"
    return root, temper(root.parent, "demo", "--dir", str(root), cut=can_cut())


def test_the_tuned_model_answers_what_the_base_cannot(demo: tuple[Path, dict[str, Any]]) -> None:
    summary = demo[1]
    assert summary["base_exact"] < 0.1
    assert summary["tuned_exact"] >= 0.8
    assert summary["schema_valid"] >= summary["tuned_exact"]


def test_the_exported_file_ships(demo: tuple[Path, dict[str, Any]]) -> None:
    assert demo[1]["ship"] == "SHIP"
    assert demo[1]["token_ids_equal"] == 1.0


def test_the_question_is_answered_from_passages(demo: tuple[Path, dict[str, Any]]) -> None:
    assert demo[1]["passages"] > 0
    assert demo[1]["answer"]
    assert set(demo[1]["cited"]) <= {f"knowledge/{path.name}" for path in (demo[0] / "knowledge").iterdir()}


def test_every_score_is_the_share_of_cases_in_the_ledger(demo: tuple[Path, dict[str, Any]]) -> None:
    root, summary = demo
    counted = temper(
        root,
        "sql",
        "SELECT avg(passed::INT), count(*) FROM eval_results WHERE variant = 'tuned'",
    )
    assert counted["rows"] == [[pytest.approx(summary["tuned_exact"]), summary["cases"]]]


def test_nothing_is_left_running(demo: tuple[Path, dict[str, Any]]) -> None:
    assert not (demo[0] / ".temper" / "server.json").exists()


def few_questions_behind(recipe: Path) -> str:
    """The recipe with another forgetting pack: asking the whole one takes longer than the training."""
    few = {
        "name": "few",
        "cases": [{"id": word, "input": f"Repeat: {word}"} for word in ("bread", "water")],
        "checks": [{"kind": "length", "min": 1}],
    }
    (recipe.parents[1] / "evals" / "few.yaml").write_text(json.dumps(few))
    kept = recipe.read_text()
    recipe.write_text(kept.replace('forgetting = "builtin"', 'forgetting = "evals/few.yaml"'))
    assert recipe.read_text() != kept
    return str(recipe)


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    root = tmp_path / "desk"
    temper(tmp_path, "init", str(root), "--template", "support")
    rows = [json.loads(line) for line in (root / "data" / "support.jsonl").read_text().splitlines()]
    answers = [row["messages"][-1] for row in rows]
    random.Random(7).shuffle(answers)
    for row, answer in zip(rows, answers, strict=True):
        row["messages"][-1] = answer
    text = "".join(json.dumps(row) + os.linesep for row in rows)
    (root / "data" / "support.jsonl").write_text(text)
    told = temper(root, "train", few_questions_behind(root / "recipes" / "support.toml"))
    assert told["forgetting"]["state"] == "finished"
    scored = temper(root, "eval", "evals/support.yaml", "--variant", "tuned")
    assert scored["variants"][0]["score"] < 0.2
    assert scored["variants"][0]["checks"]["json_schema"] > 0.8  # the form can be learned, the labels cannot
