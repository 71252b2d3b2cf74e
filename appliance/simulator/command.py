"""What ``cme3000 simulate --bus-only`` runs: a bus of meters for tools and for training, and nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from appliance.errors import LineError, ListenError
from appliance.simulator.bus import SimulatedBus

if TYPE_CHECKING:
    import threading

_HOST = "127.0.0.1"
_LOOK_EVERY = 1.0
"""Seconds between two looks whether the bus still runs."""


def run_bus_only(meters: int, seed: int, pace: float | None, port: int, stopping: threading.Event) -> int:
    """Simulate until `stopping` is set, and return the exit status of the command.

    Standard output says where the bus can be reached (`port` 0 takes a free one) and which meters are on it.
    """
    try:
        bus = SimulatedBus(meters, seed, pace=pace, tcp_port=port, tcp_host=_HOST)
        bus.start()
    except (LineError, ListenError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        sys.stdout.write("\n".join(_introduction(bus, pace)) + "\n")
        sys.stdout.flush()
        while not stopping.wait(_LOOK_EVERY):
            if not bus.is_alive:
                sys.stderr.write(f"the simulated bus died: {bus.failure}\n")
                return 1
    finally:
        bus.stop()
    return 0


def _introduction(bus: SimulatedBus, pace: float | None) -> list[str]:
    speed = "without waiting" if pace is None else f"at {pace:g} times the real speed"
    return [
        f"Simulated M-Bus {speed}",
        f"  two-wire bus   {bus.line_url}",
        f"  optical head   {bus.optical_url}",
        f"  TCP, 2400      {_HOST}:{bus.tcp_port}",
        "",
        *bus.describe(),
        "",
        "Try with libmbus:",
        f"  mbus-tcp-request-data {_HOST} {bus.tcp_port} 1",
        f"  mbus-serial-request-data -b 2400 {bus.line_url} 1",
    ]
