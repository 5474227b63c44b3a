"""That no stored picture has lost its test: the snapshot plugin does not look where tests run in parallel."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDERS = sorted(folder.name for folder in (HERE / "__snapshots__").iterdir())


@pytest.mark.parametrize("module", FOLDERS)
def test_every_stored_picture_is_that_of_a_test(module: str, request: pytest.FixtureRequest) -> None:
    tests = pytest.Module.from_parent(request.session, path=HERE / f"{module}.py").collect()
    stored = {file.stem for file in (HERE / "__snapshots__" / module).iterdir()}
    assert sorted(stored - {test.name for test in tests}) == []
