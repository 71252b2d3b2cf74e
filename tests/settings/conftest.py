"""A device's state folder with settings of its own, and a saver that can be traced."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.settings import Settings, Values
from tests.conftest import need
from tests.settings.tracing import Saver, has_strace

OLD = {
    "tunnel.port": "10005",
    "network.hostname": "pump-house",
    "http.log_format": "%h %r",
    "network.address": "10.1.2.3/24",
}


def put_old(folder: Path) -> Values:
    """Save settings that differ from the factory's, and give them."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(folder)
    settings.set(OLD, save=True)
    return settings.saved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(scope="module")
def saver() -> Iterator[Saver]:
    need(has_strace(), "strace is not installed")
    with Saver() as saver:
        yield saver


@pytest.fixture(scope="session")
def unshare() -> list[str]:
    """The command that runs another one with mounts of its own."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        program = shutil.which(command[0])
        if program is not None:
            tried = subprocess.run([program, *command[1:], "true"], check=False, capture_output=True)
            if tried.returncode == 0:
                return command
    need(condition=False, reason="no right to make a mount namespace")
    raise AssertionError
