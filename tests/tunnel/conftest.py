"""Running tunnels for the tests of this folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.tunnel.rig import Rig, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MakeRig(Protocol):
    """Starts a tunnel with settings (`__` stands for the dot)."""

    def __call__(self, **settings: str) -> Rig: ...


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running(tmp_path, **settings))


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    return make_rig()
