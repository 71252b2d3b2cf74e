"""The shipped units, as systemd's own tools judge them."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from appliance.supervision.reboot import REQUEST
from appliance.supervision.supervisor import PERIOD
from tests.conftest import need
from tests.image.machine import IMAGE, REPOSITORY, UNITS

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = UNITS / "cme3000.service"
STRANGERS = (
    "dbus.socket",
    "network.target",
    "systemd-modules-load.service",
    "systemd-sysctl.service",
    "systemd-udevd.service",
)
BODIES = {"service": "[Service]\nExecStart=/bin/true\n", "socket": "[Socket]\nListenStream=/run/bus\n"}
TARGETS = ("sysinit.target", "basic.target", "shutdown.target", "multi-user.target", "paths.target", "timers.target")
NEWER = {"RestartSteps": 254, "RestartMaxDelaySec": 254}
"""Directives that an older systemd on the machine with the tests does not know, and the version that brought them."""

LARGEST_EXPOSURE = 2.1


@pytest.fixture(name="version", scope="module")
def _version() -> int:
    need(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    return int(analyze("--version").stdout.split()[1])


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def complaints(root: Path, version: int) -> list[str]:
    """Give what systemd finds wrong in the units below `root`, but for directives newer than itself."""
    names = sorted(path.name for path in UNITS.iterdir())
    run = analyze("verify", f"--root={root}", *names)
    expected = [
        f"Unknown key '{key}' in section [Service], ignoring." for key, since in NEWER.items() if version < since
    ]
    lines = [line for line in run.stderr.splitlines() if not any(line.endswith(known) for known in expected)]
    return lines if lines or run.returncode == 0 else [f"status {run.returncode}"]


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    """Make a system with the image's files, and whatever they name, empty."""
    shutil.copytree(IMAGE / "usr", tmp_path / "usr")
    programs = (
        "opt/cme3000/bin/cme3000",
        "bin/sh",
        "bin/true",
        "usr/bin/systemctl",
        "usr/bin/rauc",
        "usr/sbin/modprobe",
    )
    for command in programs:
        path = tmp_path / command
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o755)
    for name in (*STRANGERS, *TARGETS):
        body = BODIES.get(name.rpartition(".")[2], "")
        (tmp_path / "usr/lib/systemd/system" / name).write_text(f"[Unit]\nDescription={name}\n{body}")
    return tmp_path


def test_systemd_finds_nothing_wrong_with_the_units(root: Path, version: int) -> None:
    assert complaints(root, version) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("ProtectSystem=strict", "ProtectSystem=strictly"),
        ("RestartSteps=", "RestartStep="),
        ("ExecStart=/opt/cme3000/bin/cme3000", "ExecStart=/opt/cme3000/bin/cme300"),
    ],
)
def test_it_would_find_a_mistake(root: Path, version: int, good: str, bad: str) -> None:
    unit = root / "usr/lib/systemd/system/cme3000.service"
    text = unit.read_text("utf-8")
    assert good in text
    unit.write_text(text.replace(good, bad))
    assert complaints(root, version)


def security(*arguments: str) -> subprocess.CompletedProcess[str]:
    return analyze("security", "--offline=true", *arguments, str(SERVICE))


def test_the_exposure_is_at_most_two(version: int) -> None:
    assert version >= 250
    run = security("--no-pager", f"--threshold={LARGEST_EXPOSURE * 10:.0f}")
    assert run.returncode == 0, run.stdout
    found = re.search(r"Overall exposure level for cme3000.service: (\d+\.\d)", run.stdout)
    assert found is not None
    assert float(found[1]) <= LARGEST_EXPOSURE


def test_every_point_that_remains_is_explained_and_no_other(version: int) -> None:
    assert version >= 250
    points = json.loads(security("--json=short").stdout)
    remaining = {point["name"] for point in points if float(point.get("exposure") or 0) > 0}
    page = (REPOSITORY / "docs/decisions/hardening.md").read_text("utf-8")
    rows = [row.replace(r"\|", "|") for row in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)]
    assert len(rows) == len(set(rows))
    assert set(rows) == remaining


def test_what_the_program_is_told_is_what_is_watched() -> None:
    service = SERVICE.read_text("utf-8")
    path = configparser.ConfigParser(strict=False)
    path.read(UNITS / "cme3000-reboot.path")
    watched = path["Path"]["PathExists"]
    assert f"Environment={REQUEST}=%t{watched.removeprefix('/run')}\n" in service
    assert "RuntimeDirectory=cme3000\n" in service


def test_systemd_is_patient_with_a_round_that_is_late_and_quicker_than_the_hardware() -> None:
    period = re.search(r"^WatchdogSec=(\d+)$", SERVICE.read_text("utf-8"), re.MULTILINE)
    assert period is not None
    assert 4 * PERIOD <= int(period[1]) < 14


def test_the_hardware_watchdog_is_asked_for_no_more_than_the_pi_can_count() -> None:
    configuration = configparser.ConfigParser()
    configuration.optionxform = str  # type: ignore[assignment,method-assign] # names as they are
    configuration.read(IMAGE / "usr/lib/systemd/system.conf.d/10-cme3000-watchdog.conf")
    manager = configuration["Manager"]
    assert 0 < int(manager["RuntimeWatchdogSec"]) < 16
    assert 0 < int(manager["RebootWatchdogSec"]) < 16
