"""What the model answers right as it is: who is asked, which rows, what counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.data.checks.already_known import Answer, ask, check, sample
from engine.data.checks.contract import CannotRun
from store import datasets
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.data import Message
from store.records.findings import CheckSettings, Finding
from tests.engine.data.checks.stage import basis_of, chat, lay, lines

ROWS = [
    chat("capital of Norway?", "Oslo"),
    chat("as JSON?", '{"city": "Oslo", "n": 1}'),
    chat("in words?", "It is Oslo."),
    chat("refused?", "Oslo"),
    chat("held out?", "Oslo", split="heldout"),
]


def reply(messages: Sequence[Message], most: int) -> str:
    """A model that knows one city."""
    assert most > 0
    match messages[-1].content:
        case "as JSON?":
            return '{"n": 1, "city": "Oslo"}'
        case "refused?":
            raise UsageError("Too long", "It is.", "Shorten it.")
        case _:
            return " Oslo\n"


def silent(messages: Sequence[Message], most: int) -> str:
    """A model that answers nobody."""
    raise UsageError("The model did not answer", "It is down.", "Wait.")


def asked(paths: WorkspacePaths, answer: Answer = reply, **settings: object) -> list[Finding]:
    info = lay(paths, ROWS)
    path = datasets.version_folder(paths, info.name, info.version) / datasets.ROWS
    made = CheckSettings(known=True, model="tiny", **settings)  # type: ignore[arg-type]  # a test names fields as it likes
    return list(ask(basis_of(ROWS, made, path), answer))


def test_the_same_text_and_the_same_json_count_and_other_words_do_not(paths: WorkspacePaths) -> None:
    found = asked(paths)
    assert [lines(one) for one in found] == [[1, 2]]
    assert found[0].figures == {"asked": 4, "known": 2, "failed": 1}
    assert found[0].severity == "info"


def test_a_seeded_sample_of_the_rows_that_train_is_asked() -> None:
    rows = [chat(f"q{n}", "a", split="heldout" if n < 10 else "train") for n in range(60)]
    chosen = [sample(basis_of(rows, CheckSettings(known_rows=20, seed=seed))) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 20
    assert min(chosen[0]) >= 10


@pytest.mark.parametrize("settings", [CheckSettings(model="tiny"), CheckSettings(known=True)])
def test_nobody_is_asked_unasked(settings: CheckSettings) -> None:
    with pytest.raises(CannotRun):
        list(check(basis_of(ROWS, settings)))


def test_a_model_that_cannot_be_asked_is_not_one_that_knows_nothing(paths: WorkspacePaths) -> None:
    with pytest.raises(CannotRun, match="none of 4 rows could be asked: It is down"):
        asked(paths, silent)
