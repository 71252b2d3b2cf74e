"""A certificate of the device, and an authority that can make another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.certificate import Certificate
from tests.certificate.authority import Authority

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not there yet"


@pytest.fixture
def certificate(folder: Path) -> Certificate:
    return Certificate(folder, lambda: ["gateway", "gateway.local", "192.0.2.7", "::1"])


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
