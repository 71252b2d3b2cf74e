"""What is seen from a shell on the device: units, listeners, memory, mounts, times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from image_test.board import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from image_test.board import Board

LISTENERS = {("tcp", 23), ("tcp", 80), ("tcp", 10001), ("udp", 5353)}
"""Console, web, tunnel; mDNS. HTTPS has no certificate yet."""

MEMORY = 120
"""MB in use after boot, at most."""

ADVERTISEMENTS = "/proc/sys/net/ipv6/conf/[!l]*/accept_ra"
"""All but that of the loopback interface."""

LOADED = "systemctl show -P StatusText cme3000.service | grep -qv 'being loaded'"
"""The gateway serves before it is whole, and tells systemd so."""

ADDRESS = "ip -4 -brief address show scope global | grep -q ."


class Reporter(Protocol):
    """Where it is told."""

    def check(self, what: str, test: Callable[[], object]) -> bool:
        """Run a test."""

    def tell(self, what: str) -> None:
        """Say something."""


def wait_until_up(board: Board, seconds: float) -> None:
    """Wait, from inside, until the system is at rest and has an address; to be called when its kernel has started.

    Nobody may try its ports before: QEMU's network then holds up the whole machine, and where the kernel's start takes
    2 s it takes 30.

    :raises ImageError: when it does not come up.
    """
    board.terminal.wait_for_shell(seconds)
    board.terminal.run("dmesg -n 1; systemctl is-system-running --wait", seconds)  # no kernel messages between answers
    board.terminal.run(f"until {ADDRESS}; do sleep 1; done", seconds)


def look_inside(report: Reporter, board: Board, *, first: bool) -> None:
    """Look at a device that has booted."""
    shell = board.terminal.run
    report.check("it comes to rest", lambda: _rest(board))
    report.check("no unit has failed", lambda: _none(shell("systemctl --failed --no-legend --plain")))
    report.check("the data partition is the card's", lambda: "/dev/mmcblk0p4" in shell("findmnt -n -o SOURCE /data"))
    if not first:
        return
    report.check("all of the gateway is loaded", lambda: shell(f"until {LOADED}; do sleep 1; done", 300))
    report.check("only what should be there listens", lambda: _listeners(shell("ss -Hltnup")))
    report.check(f"at most {MEMORY} MB of memory are in use", lambda: _memory(board))
    report.check("routers' advertisements are not taken", lambda: _none(shell(f"grep -L '^0$' {ADVERTISEMENTS}")))
    report.check("the root is read-only", lambda: shell("findmnt -n -o OPTIONS /").startswith("ro"))
    report.check("there is no swap", lambda: shell("wc -l </proc/swaps") == "1")
    report.check("nobody has a password", lambda: _none(shell("cut -d: -f2 /etc/shadow | grep -v '^[*!]'")))
    report.check(
        "the log is in memory", lambda: "/run/log/journal" in shell("journalctl --header | grep -m1 'File path'")
    )
    report.check("the data partition grew", lambda: _grown(board))
    report.check("SSH is off", lambda: "inactive" in shell("systemctl is-active ssh.service ssh.socket"))
    accepting, rest = first_accept(board), reached(board, "multi-user.target")
    report.tell(f"from the kernel's start: {accepting:.1f} s to the tunnel, {rest:.1f} s to multi-user")
    report.tell(shell("systemd-analyze --no-pager critical-chain cme3000.service"))
    report.tell(shell("systemd-analyze --no-pager blame | head -15"))
    report.tell("memory, kB:\n" + shell("ps -eo rss,args --sort=-rss | head -7"))
    report.tell("warnings: " + shell("journalctl -b -p warning --no-pager -o cat | head -30"))


def reached(board: Board, unit: str) -> float:
    """Give when a unit became active, in seconds since the kernel's start.

    :raises ImageError: when the system does not tell.
    """
    said = board.terminal.run(f"systemctl show -P ActiveEnterTimestampMonotonic {unit}")
    found = re.search(r"^(\d+)$", said, re.MULTILINE)  # the kernel may write between the lines
    if found is None:
        raise ImageError(f"no moment at which {unit} was reached: {said}")
    return int(found[1]) / 1e6


def first_accept(board: Board) -> float:
    """Give when the tunnel began to accept clients, in seconds since the kernel's start.

    :raises ImageError: when the log does not tell.
    """
    line = board.terminal.run(
        "journalctl -b -o short-monotonic --no-pager | grep 'accepting clients on port' | tail -n 1"
    )
    found = re.match(r"\[ *([0-9.]+)\]", line)
    if found is None:
        raise ImageError(f"no moment at which the tunnel accepts: {line}")
    return float(found[1])


def first_line(board: Board) -> int:
    """Give the time of the first line that the gateway wrote after the last start of the system, seconds since 1970.

    :raises ImageError: when there is none.
    """
    line = board.terminal.run("journalctl -b -o short-unix --no-pager -t cme3000 | head -n 1")
    found = re.match(r"(\d+)\.", line)
    if found is None:
        raise ImageError(f"no line of the gateway: {line}")
    return int(found[1])


def _rest(board: Board) -> str:
    state = board.terminal.run("systemctl is-system-running --wait", 600)
    if state != "running":
        raise ImageError(state)
    return state


def _none(text: str) -> bool:
    if text:
        raise ImageError(text)
    return True


def _listeners(text: str) -> str:
    found = set()
    for line in text.splitlines():
        words = line.split()
        found.add((words[0], int(words[4].rpartition(":")[2])))
    if found - LISTENERS:
        raise ImageError(f"{sorted(found - LISTENERS)} besides:\n{text}")
    return ", ".join(f"{kind}/{port}" for kind, port in sorted(found))


def _memory(board: Board) -> str:
    shell = board.terminal.run
    # The gateway asks it what is in the slots; it ends when it is idle.
    shell("until journalctl -b -o cat -u rauc.service | grep -q Deactivated; do sleep 2; done", 300)
    text = shell("cat /proc/meminfo; cat /sys/fs/cgroup/system.slice/debug-shell.service/memory.stat")
    values = {name: int(value) for name, value in re.findall(r"^(\w+):? +(\d+)", text, re.MULTILINE)}
    # "used" of free(1) since procps 4: what is not available, be it held by programs or kept back by the kernel.
    # Without what this shell takes, which is in no device.
    used = (values["MemTotal"] - values["MemAvailable"]) * 1024 - values.get("anon", 0) - values.get("kernel", 0)
    if used > MEMORY * 1e6:
        raise ImageError(f"{used / 1e6:.0f} MB")
    return f"{used / 1e6:.0f} MB of {values['MemTotal'] * 1024 / 1e6:.0f}"


def _grown(board: Board) -> str:
    board.terminal.run(
        "while systemctl is-active -q cme3000-grow.service || systemctl list-jobs | grep -q grow; do sleep 1; done", 300
    )
    size = int(board.terminal.run("findmnt -n -b -o SIZE /data"))
    if size < 2_000_000_000:
        raise ImageError(f"{size} octets")
    return f"{size / 1e9:.1f} GB"
