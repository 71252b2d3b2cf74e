"""What `cme3000 simulate` does: the whole device without hardware."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.flags import overrides
from appliance.hardware import Hardware
from appliance.lifetime import Lifetime
from appliance.panel.mock_board import simulated_board
from appliance.settings import Settings, console, http
from appliance.settings.password import has_factory_password
from appliance.simulator.bench import Bench
from appliance.simulator.bus import SimulatedBus
from appliance.simulator.link import SimulatedLink
from appliance.simulator.terminal.actions import Actions
from appliance.simulator.terminal.choice import suitable_panel

if TYPE_CHECKING:
    import argparse
    import threading

    from appliance.device import Device
    from appliance.lifetime import Outcome
    from appliance.panel.mock_board import SimulatedBoard
    from appliance.panel.panel import Panel
    from appliance.panel.snapshot import PanelSnapshot
    from appliance.service import Service
    from appliance.settings import Setting

log = logging.getLogger(__name__)

DEFAULTS: dict[Setting[Any], Any] = {http.PORT: 8080, http.HTTPS_PORT: 8443, console.PORT: 2323}
"""Where the factory's port needs root, the simulated device has another from its own factory."""

_TRY = r"""printf "\x10\x5b\x01\x5c\x16" >&3; timeout 3 cat <&3 | od -An -tx1"""
"""A request for the data of the meter with primary address 1 (EN 13757-2, REQ_UD2), and its answer in hexadecimal."""


def simulate(options: argparse.Namespace, stopping: threading.Event) -> Outcome:
    """Be the appliance with a simulated board, bus and meters until told to stop.

    :raises InvalidSettings: when the command line asks for a setting that there cannot be.
    :raises ListenError: when a port cannot be had.
    """
    settings = Settings(options.state, defaults=DEFAULTS)
    with contextlib.ExitStack() as running:
        # Links in a folder stay the same when the adapter behind them is pulled and plugged.
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="cme3000-")))
        bus = SimulatedBus(
            meters=options.meters, seed=options.seed, pace=options.pace, optical=not options.optical, folder=folder
        )
        texts = overrides(options)
        if not options.line:
            texts["line.two_wire"] = bus.line_url
            texts.setdefault("line.optical", bus.optical_url)
        bus.start()
        running.callback(bus.stop)
        settings.override(texts)
        lifetime = running.enter_context(Lifetime(options.state, stopping))
        board = simulated_board() if options.board != "none" else None
        if board is not None:
            running.callback(board.close)
        link = SimulatedLink()
        hardware = Hardware(new_link=lambda: link, board=board, line_errors=lambda: bus.line_errors)
        device = lifetime.new_device(
            settings, hardware, host=options.bind, asks_new_password=not options.keep_factory_password
        )
        running.callback(device.stop)
        device.start(must_listen=True)
        print(_banner(options, device, bus), flush=True)  # noqa: T201 (what the command is for)
        if board is not None:
            terminal = _terminal(device, board, Bench(bus, link, on_short_circuit=board.short_circuit))
            terminal.start()
            running.callback(terminal.stop)
            device.panel_watchers = (terminal.wake,)
        return lifetime.supervise(device)


def _terminal(device: Device, board: SimulatedBoard, bench: Bench) -> Service:
    first = device.panel
    assert first is not None  # noqa: S101 (there is one where there is a board)

    def panel() -> Panel:  # that of now: supervision may have built another
        return device.panel or first

    def snapshot() -> PanelSnapshot:
        return panel().snapshot()

    def identify() -> None:
        panel().identify()

    def end() -> None:  # as Ctrl-C does, in the main thread
        os.kill(os.getpid(), signal.SIGINT)

    return suitable_panel(
        snapshot=snapshot,
        status=device.status,
        engaged=bench.engaged,
        actions=Actions(
            press=board.press,
            release=board.release,
            toggle_short_circuit=bench.toggle_short_circuit,
            toggle_link=bench.toggle_link,
            toggle_serial=bench.toggle_serial,
            collide=bench.collide,
            identify=identify,
            quit=end,
        ),
        output=sys.stdout,
        input_fd=sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None,
    )


def _network(device: Device) -> str:
    network = device.network_snapshot()
    if network.interface is None:
        return "no Ethernet here to look at"
    return f"{network.interface} with {network.current.address.value or 'no address'}, looked at and left alone"


def _web(host: str, device: Device) -> list[str]:
    web = device.http.snapshot() if device.http is not None else None
    if web is None or not (web.http_port or web.https_port):
        return ["  web       off"]
    ports = (("http", web.http_port), ("https", web.https_port))
    urls = [f"{scheme}://{host}:{port}/" for scheme, port in ports if port]
    is_new = has_factory_password(device.settings[http.AUTHENTICATION])
    return [
        *(f"  web       {url}" for url in urls),
        *(["            user admin, password admin until you set your own"] if is_new else []),
    ]


def _console(host: str, device: Device) -> str:
    port = device.console.snapshot().port if device.console is not None else None
    return f"  console   telnet {host} {port}" if port else "  console   off"


def _banner(options: argparse.Namespace, device: Device, bus: SimulatedBus) -> str:
    """Say where everything listens and what to try."""
    tunnel = device.tunnel.snapshot()
    host = options.bind or "127.0.0.1"
    lines = [
        f"CMe3000 {__version__}, simulated",
        f"  state     {options.state}",
        f"  line      {device.line.url} at {device.line.baud} bit/s",
        f"  tunnel    {f'{host} port {tunnel.port}' if tunnel.port else 'off'}",
        *([f"  tunnel    {host} port {tunnel.tls_port} (TLS)"] if tunnel.tls_port else []),
        f"  network   {_network(device)}",
        *_web(host, device),
        _console(host, device),
        "",
        "Meters on the simulated bus:",
        *(f"  {line}" for line in bus.describe()),
        "",
    ]
    if tunnel.port:
        lines += [
            "Read the meter with primary address 1 from another terminal:",
            rf"""  bash -c 'exec 3<>/dev/tcp/{host}/{tunnel.port}; {_TRY}'""",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C ends it."])
