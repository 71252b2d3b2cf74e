from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scripts.newcomer import Newcomer

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = (
    *("shellcheck", "socat", "ser2net", "strace", "ip", "git", "openssl", "systemd-analyze", "unshare", "dnsmasq"),
    *("avahi-autoipd", "dhcpd", "avahi-daemon", "avahi-browse", "dbus-daemon", "curl", "chromium"),
    *("telnet", "nc", "expect", "mosquitto", "mosquitto_sub", "dtc", "mke2fs"),
    *("rauc", "mksquashfs", "faketime", "softhsm2-util"),
)


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    newcomer = Newcomer.arrive(tmp_path)
    for tool in TOOLS:
        newcomer.put(tool, "#!/bin/sh\n")
    return newcomer


def test_everything_is_checked_and_the_closing_line_comes_last(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/test")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[-1] == "== 3 passed in 0.10s =="
    summary = [line.rsplit(" s  ", 1) for line in lines[-7:-1]]
    assert [(name[:12].strip(), result) for name, result in summary] == [
        (name, "ok") for name in ("ruff check", "ruff format", "mypy", "lint-imports", "shellcheck", "pytest")
    ]


def test_one_failure_fails_all_and_stops_nothing(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/test", BROKEN="mypy")
    assert outcome.code == 1
    assert "FAILED (1)" in outcome.out
    assert outcome.out.endswith("== 3 passed in 0.10s ==\n")


def test_another_python_gets_an_environment_of_its_own_and_the_tests_alone(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/test", "--python", "python3")
    assert outcome.code == 0, outcome
    assert (newcomer.folder / ".venv-3.12/stamp").exists()
    assert not (newcomer.folder / ".venv").exists()
    assert "mypy" not in outcome.out


def test_another_python_that_does_not_run(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/test", "--python", "python3.99")
    assert outcome.code == 1
    assert outcome.complaints == ["scripts/test: python3.99 is no working Python 3.11, 3.12 or 3.13."]


# One that a bin folder in the script's own extension of the PATH cannot provide after all.
def _lose_shellcheck(newcomer: Newcomer) -> None:
    script = newcomer.folder / "scripts/test"
    script.write_text(script.read_text().replace("shellcheck:shellcheck", "lost-tool:lost-package"))


def test_a_missing_tool_is_said(newcomer: Newcomer) -> None:
    _lose_shellcheck(newcomer)
    outcome = newcomer.run("scripts/test")
    assert outcome.code == 0
    assert outcome.complaints[0] == (
        "scripts/test: not installed, so the tests that need them are skipped: lost-package"
        " (as root: apt-get install lost-package)"
    )


def test_a_missing_tool_fails_in_ci(newcomer: Newcomer) -> None:
    _lose_shellcheck(newcomer)
    outcome = newcomer.run("scripts/test", CI="true")
    assert outcome.code == 1
    assert "system tools     FAILED: lost-package cannot be installed" in outcome.out


def test_root_gets_missing_tools_installed(newcomer: Newcomer) -> None:
    _lose_shellcheck(newcomer)
    newcomer.become_root()
    newcomer.run("scripts/test")
    assert newcomer.calls()[1].endswith(" lost-package")
