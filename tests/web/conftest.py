from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.rig import Web

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path)
