"""A running console for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.rig import Rig, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Without the rule that the factory password comes first."""
    with running(tmp_path) as rig:
        yield rig


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Rig]:
    """With that rule, as the product has it."""
    with running(tmp_path, asks_new_password=True) as rig:
        yield rig
