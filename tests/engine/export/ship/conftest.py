"""Every family, exported once and looked at by many tests."""

from __future__ import annotations

import pytest

from engine.export.ship.asked import Material
from tests.engine.export.ship.stage import FAMILIES, Exported, export_family, material_of


@pytest.fixture(scope="package", params=FAMILIES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_family(request.param, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="package")
def few(exported: Exported) -> Material:
    """Few texts: the ids are right in all of these."""
    return material_of(exported.directory, 5)
