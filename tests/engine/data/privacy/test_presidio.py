"""Presidio at its boundary: asked for names only, never required."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from engine.data.privacy import detector, presidio
from engine.data.privacy.detector import Detector


class Result(NamedTuple):
    start: int
    end: int
    score: float


class Engine:
    """Finds `Ada` and doubts `Bob`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def analyze(self, **asked: Any) -> list[Result]:
        self.asked.append(asked)
        text = asked["text"]
        places = [(text.find("Ada"), 0.85), (text.find("Bob"), 0.2)]
        return [Result(at, at + 3, score) for at, score in places if at >= 0]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(presidio, "analyzer", lambda: engine)
    monkeypatch.setattr(detector, "analyzer", lambda: engine)
    return engine


def test_it_finds_names_that_no_words_give_away(engine: Engine) -> None:
    assert [(one.kind, one.text) for one in Detector().find("then Ada met Bob")] == [("person", "Ada")]
    assert engine.asked[0]["entities"] == ["PERSON"]


def test_it_is_not_asked_where_names_are_not_wanted(engine: Engine) -> None:
    Detector(["email"]).find("then Ada met Bob")
    assert engine.asked == []


def test_without_the_package_nothing_is_missed_loudly() -> None:
    presidio.analyzer.cache_clear()
    if presidio.analyzer() is None:
        assert Detector().find("then Ada met Bob") == []
