"""The appliance with a simulated board, measured from the inside; `benchmark.panel` starts it as a process of its own.

Given `--cable` it is in a network namespace of its own, and its link is one end of a virtual cable there.
Prints one JSON object of lists of figures.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.device import Device
from appliance.hardware import Hardware
from appliance.network.link_watch import LinkWatch
from appliance.panel.mock_board import simulated_board
from appliance.panel.snapshot import Led
from appliance.settings import Settings
from appliance.supervision.journal import RestartJournal
from appliance.supervision.reboot import RestartProgram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.service import Service

DEADLINE = 20.0
KERNELS_PAUSE = 1.2
"""Seconds between two changes of a carrier: the kernel tells of one a second (net/core/link_watch.c)."""


class Rig:
    """A running device on a pty."""

    def __init__(self, folder: Path, interface: str) -> None:
        self.line, slave = os.openpty()
        tty.setraw(slave)
        self.settings = Settings(folder)
        self.settings.override({"line.two_wire": os.ttyname(slave), "tunnel.port": "0"})
        self.board = simulated_board()
        journal = RestartJournal(folder)
        journal.begin()
        self.device = Device(
            self.settings,
            hardware=Hardware(new_link=lambda: LinkWatch(interface), board=self.board),
            journal=journal,
            rebooter=RestartProgram(),
            state=folder,
            host="127.0.0.1",
        )
        self.stopping = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run under supervision."""
        self.device.start(must_listen=True)
        main = threading.Thread(target=self.device.supervise, args=(self.stopping,))
        main.start()
        try:
            yield
        finally:
            self.stopping.set()
            main.join()
            self.device.stop()
            self.board.close()

    def service(self, name: str) -> Service:
        """Give the service of that name that there is now."""
        found = next(ward.service for ward in self.device.supervisor._wards if ward.name == name)  # noqa: SLF001 (a probe)
        assert found is not None  # noqa: S101 (it has been started)
        return found

    def names(self) -> list[str]:
        """Give the names of all services."""
        return [ward.name for ward in self.device.supervisor.snapshot()]


def seconds_until(condition: Callable[[], bool]) -> float:
    """Wait for a condition; a millisecond of sleep between two looks leaves the interpreter to the appliance."""
    began = time.monotonic()
    while not condition():
        time.sleep(0.001)
        if time.monotonic() - began > DEADLINE:
            raise TimeoutError
    return time.monotonic() - began


def idle(rig: Rig, seconds: float) -> float:
    """Processor time that the panel's thread takes, in milliseconds a second."""
    thread = rig.service("panel").thread.native_id
    path = Path(f"/proc/self/task/{thread}/schedstat")
    before = int(path.read_text().split()[0])
    time.sleep(seconds)
    return (int(path.read_text().split()[0]) - before) / 1e6 / seconds


def act(rig: Rig, times: int) -> list[float]:
    """Seconds from a byte on the line, which the tunnel reads, to a lit ACT."""
    found: list[float] = []
    for _ in range(times):
        seconds_until(lambda: not rig.board.is_lit(Led.ACTIVITY))
        time.sleep(0.35 + 0.013 * (len(found) % 11))  # the flicker is over; not always at the same phase of the poll
        os.write(rig.line, b"\xe5")
        found.append(seconds_until(lambda: rig.board.is_lit(Led.ACTIVITY)))
    return found


def link(rig: Rig, times: int) -> list[float]:
    """Seconds from the far end of the cable going down to a dark LINK."""
    found = []
    for _ in range(times):
        _ip("link", "set", "far", "up")
        seconds_until(lambda: rig.board.is_lit(Led.LINK))
        time.sleep(KERNELS_PAUSE)
        began = time.monotonic()
        _ip("link", "set", "far", "down")
        seconds_until(lambda: not rig.board.is_lit(Led.LINK))
        found.append(time.monotonic() - began)
    return found


def recovery(rig: Rig, names: list[str]) -> list[float]:
    """Seconds from the moment that a service hangs until another has come round in its place."""
    return [_recover(rig, name) for name in names]


def _recover(rig: Rig, name: str) -> float:
    victim, released = rig.service(name), threading.Event()

    def hang() -> None:
        released.wait(DEADLINE)

    victim.beat = hang  # type: ignore[method-assign]  # the place in every service where its thread can be got hold of
    victim.wake()
    try:
        return seconds_until(lambda: rig.service(name) is not victim and rig.service(name).beats > 0)
    finally:
        released.set()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S603, S607 (iproute2, wherever it is)


def main() -> None:
    """Measure and print."""
    has_cable, is_quick = "--cable" in sys.argv, "--quick" in sys.argv
    if has_cable:
        subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)  # noqa: S607 (of this mount namespace)
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "near", "type", "veth", "peer", "name", "far")
        _ip("link", "set", "near", "up")
        _ip("link", "set", "far", "up")
    sys.setswitchinterval(0.0002)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rig = Rig(Path(folder), "near" if has_cable else "lo")
        with rig.running():
            seconds_until(lambda: bool(rig.device.line.up) and rig.board.is_lit(Led.LINK))
            time.sleep(2.0)  # the lamp test is over
            figures = {
                "idle": [idle(rig, 3.0 if is_quick else 10.0)],
                "act": act(rig, 5 if is_quick else 40),
                "link": link(rig, 2 if is_quick else 10) if has_cable else [],
                "recovery": recovery(rig, ["tunnel"] if is_quick else rig.names()),
            }
    print(json.dumps(figures))  # noqa: T201 (what it is for)


if __name__ == "__main__":
    main()
