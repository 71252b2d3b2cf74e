"""The command line: `cme3000 run` on the hardware, `simulate` without, and what a shell user needs besides."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from appliance.arguments import parse_arguments
from appliance.ending import ending_signals
from appliance.errors import InvalidSettings, ListenError
from appliance.logbook import start_logging

if TYPE_CHECKING:
    import argparse
    import threading
    from collections.abc import Sequence

SWITCH_INTERVAL = 0.0002
"""Seconds after which a busy thread must let another run.

Python's default of 5 ms makes a transaction through the tunnel take 10 ms while a page is rendered.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    options = parse_arguments(arguments)
    if options.command == "decode":
        # It neither waits nor logs, and has nothing to load but the decoder.
        from appliance.decoding import run_decode

        return run_decode(options.sources, as_json=options.json, with_bytes=options.bytes)
    if options.command in ("search", "read"):
        with ending_signals() as stopping:
            return _meter(options, stopping)
    start_logging(options.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with ending_signals() as stopping:
            status = _command(options, stopping)
    except (InvalidSettings, ListenError) as error:
        advice = ""
        if isinstance(error, ListenError):
            advice = (
                "\ncme3000: choose another with --tunnel-port, --http-port or --console-port, "
                "or end the program that has it: ss -ltnp shows which"
            )
        sys.stderr.write(f"cme3000: {error}{advice}\n")
        return 1
    if status < 0:  # Outcome.BEGIN_ANEW, without loading all that knows of it for a command that does not
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (this very program)
    return status


def _meter(options: argparse.Namespace, stopping: threading.Event) -> int:
    from appliance.metering import run_read, run_search

    if options.command == "search":
        return run_search(
            options.line,
            options.baud,
            stopping,
            primary="primary" in options.ways,
            secondary="secondary" in options.ways,
            as_json=options.json,
            margin=options.margin,
        )
    return run_read(options.address, options.line, options.baud, stopping, as_json=options.json, margin=options.margin)


def _command(options: argparse.Namespace, stopping: threading.Event) -> int:
    # Each command imports what it needs: the real device starts without the simulator, the bus without the device.
    if options.command == "simulate" and options.bus_only:
        from appliance.simulator.command import run_bus_only

        return run_bus_only(
            meters=options.meters, seed=options.seed, pace=options.pace, port=options.bus_port, stopping=stopping
        )
    if options.command == "simulate":
        from appliance.simulation import simulate

        return simulate(options, stopping)
    from appliance.operation import operate

    return operate(options, stopping)


if __name__ == "__main__":
    sys.exit(main())
