"""What `cme3000 run` does: the device on real hardware."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

from appliance.flags import overrides
from appliance.hardware import Hardware
from appliance.lifetime import Lifetime
from appliance.network.link_watch import LinkWatch
from appliance.settings import Settings

if TYPE_CHECKING:
    import argparse
    import threading

    from appliance.lifetime import Outcome
    from appliance.panel.board import Board

log = logging.getLogger(__name__)

SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
"""Where Debian has it (D-Bus Specification, "Well-known Message Bus Instances"); RAUC offers itself there."""


def operate(options: argparse.Namespace, stopping: threading.Event) -> Outcome:
    """Be the appliance until told to stop.

    :raises InvalidSettings: when the command line asks for a setting that there cannot be.
    """
    settings = Settings(options.state)
    settings.override(overrides(options))
    with contextlib.ExitStack() as running:
        lifetime = running.enter_context(Lifetime(options.state, stopping))
        board, mistakes = _open_board(options)
        if board is not None:
            running.callback(board.close)
        hardware = Hardware(
            new_link=lambda: LinkWatch(options.interface),
            board=board,
            manages_network=options.network == "managed",
            update_bus=os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", SYSTEM_BUS),
            faults=mistakes,
        )
        device = lifetime.new_device(
            settings, hardware, host=options.bind, asks_new_password=not options.keep_factory_password
        )
        running.callback(device.stop)
        device.start(must_listen=False)
        log.info("%s", lifetime.banner())
        log.info("line %s, tunnel on port %s", device.line.url, device.tunnel.snapshot().port)
        if device.http is not None:
            log.info("web pages on port %s", device.http.snapshot().http_port)
        return lifetime.supervise(device)


def _open_board(options: argparse.Namespace) -> tuple[Board | None, tuple[str, ...]]:
    """Open the board that was asked for; with it what is wrong with its file."""
    # Each kind of board is loaded where it is asked for.
    if options.board == "none":
        return None, ()
    if options.board == "simulated":
        from appliance.panel.mock_board import simulated_board

        return simulated_board(), ()
    from appliance.panel.board import open_pi_board
    from appliance.panel.board_file import read_board_file

    pins, mistakes = read_board_file(options.board_file)
    for mistake in mistakes:
        log.error("%s", mistake)
    return open_pi_board(pins), mistakes
