"""Every check is taught in docs/evals.md, and every example there loads, runs and ends as the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from engine.evals.checks import KINDS, Bench, compile_checks
from engine.evals.suite.problems import convert, problems_in
from engine.inference.embedder import Embedder
from store.paths import default_embedder

PAGE = (Path(__file__).parents[4] / "docs" / "evals.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([a-z_, 0-9]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = {title: text for title, text in SECTIONS.items() if "```yaml" in text}
WITHOUT = {"citation_support", "retrieval_recall", "judge, judge_pairwise"}
"""Their examples would need passages, or a model."""
ROW = re.compile(r"^\| `(.*)` \| (passes|fails|scores ([\d.]+)) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    found = Embedder(default_embedder())
    yield found
    found.close()


def test_every_kind_of_check_has_a_section_and_an_example() -> None:
    assert {kind for title in SECTIONS for kind in title.split(", ")} == set(KINDS)
    assert SECTIONS.keys() - EXAMPLES.keys() == WITHOUT


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_ends_as_the_page_says(title: str, tmp_path: Path, embedder: Embedder) -> None:
    text = EXAMPLES[title]
    if code := re.search(r"```python\n# (\S+)\n(.*?)```", text, re.DOTALL):
        file = tmp_path / code[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(code[2])

    def embed(texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = embedder.embed(list(texts)).tolist()
        return vectors

    bench = Bench([tmp_path], embed=embed, python_checks=True)
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    raw = {"name": "page", **yaml.safe_load(example)}
    assert problems_in(raw, bench) == []
    suite = convert(raw)
    assert isinstance(suite.cases, list)
    [case], [check] = suite.cases, compile_checks(suite.checks, bench)
    rows = ROW.findall(text)
    assert len(rows) >= 2
    assert len(rows) == text.count("\n| `")
    for answer, becomes, score in rows:
        result = check.result(answer.replace("\\n", "\n"), case)
        assert not result.error
        if score:
            assert result.score == pytest.approx(float(score), abs=5e-4), answer
        else:
            assert result.passed is (becomes == "passes"), (answer, result)
    bench.close()
