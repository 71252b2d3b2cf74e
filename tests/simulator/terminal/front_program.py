"""A program with a panel, to be ended in every way: `python -m tests.simulator.terminal.front_program WAY`."""

from __future__ import annotations

import signal
import sys

from appliance.ending import ending_signals
from appliance.logbook import start_logging
from appliance.simulator.bench import Engaged
from appliance.simulator.terminal.choice import suitable_panel
from tests.simulator.terminal.front import Front

LONGEST = 30.0


def main(way: str) -> int:
    start_logging("info")
    front = Front()
    with ending_signals() as stopping:
        actions = front.actions()
        object.__setattr__(actions, "quit", stopping.set)
        panel = suitable_panel(
            snapshot=front.snapshot,
            status=lambda: "in a program",
            engaged=Engaged,
            actions=actions,
            output=sys.stdout,
            input_fd=sys.stdin.fileno(),
            environment={"TERM": "xterm"},
        )
        if way == "orphan":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        panel.start()
        if way == "raise":
            panel.stopping.wait(0.5)
            raise ValueError("on purpose")
        stopping.wait(LONGEST)
        panel.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
