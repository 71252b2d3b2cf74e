"""What `cme3000 run` and `cme3000 simulate` do: settings from the command line, the device, and its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.device import Device
from appliance.settings import Settings, console, http

if TYPE_CHECKING:
    import argparse
    import threading

    from appliance.settings import Setting
    from appliance.simulator.bus import SimulatedBus

log = logging.getLogger(__name__)

SIMULATED_DEFAULTS: dict[Setting[Any], Any] = {http.PORT: 8080, http.HTTPS_PORT: 8443, console.PORT: 2323}
"""Where the factory's port needs root, the simulated device has another from its own factory."""


GIVEN_UP = 70
"""Exit status when the services cannot be kept alive (EX_SOFTWARE of sysexits.h)."""

_TRY = r"""printf "\x10\x5b\x01\x5c\x16" >&3; timeout 3 cat <&3 | od -An -tx1"""
"""A request for the data of the meter with primary address 1 (EN 13757-2, REQ_UD2), and its answer in hexadecimal."""


def operate(options: argparse.Namespace, stopping: threading.Event) -> int:
    """Be the appliance until told to stop.

    :raises InvalidSettings: when the command line asks for a setting that there cannot be.
    """
    settings = Settings(options.state)
    settings.override(_overrides(options))
    _tell_what_is_missing(options)
    device = Device(settings, state=options.state, host=options.bind)
    device.start(must_listen=False)
    log.info("cme3000 %s: line %s, tunnel on port %s", __version__, _line_url(device), device.tunnel.snapshot().port)
    verdict = device.supervise(stopping)
    log.info("stopping")
    device.stop()
    return 0 if verdict is None else GIVEN_UP


def simulate(options: argparse.Namespace, stopping: threading.Event) -> int:
    """Be the appliance with a simulated bus until told to stop.

    :raises InvalidSettings: when the command line asks for a setting that there cannot be.
    :raises ListenError: when a port cannot be had.
    """
    from appliance.simulator.bus import SimulatedBus

    settings = Settings(options.state, defaults=SIMULATED_DEFAULTS)
    bus = SimulatedBus(meters=options.meters, seed=options.seed, pace=options.pace, optical=not options.optical)
    bus.start()
    device: Device | None = None
    try:
        overrides = _overrides(options)
        if not options.line:
            overrides["line.two_wire"] = bus.line_url
            overrides.setdefault("line.optical", bus.optical_url)
        settings.override(overrides)
        _tell_what_is_missing(options)
        device = Device(settings, state=options.state, host=options.bind)
        device.start(must_listen=True)
        print(_banner(options, device, bus), flush=True)  # noqa: T201 (what the command is for)
        verdict = device.supervise(stopping)
        log.info("stopping")
    finally:
        if device is not None:
            device.stop()
        bus.stop()
    return 0 if verdict is None else GIVEN_UP


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    """Turn the flags of the command line into settings."""
    overrides = dict(options.settings)
    switches = {
        "http": ("http.port", {"http.enabled": "off"}),
        "https": ("http.https_port", {"http.tls_1_2": "off", "http.tls_1_3": "off"}),
        "tunnel": ("tunnel.port", {"tunnel.accept_mode": "disabled"}),
        "console": ("console.port", {"console.enabled": "off"}),
    }
    for service, (name, off) in switches.items():
        port = getattr(options, f"{service}_port")
        if port == 0:
            overrides.update(off)
        elif port is not None:
            overrides[name] = str(port)
    if options.line:
        overrides["line.two_wire"] = options.line
    if options.optical:
        overrides["line.optical"] = options.optical
    return overrides


def _tell_what_is_missing(options: argparse.Namespace) -> None:
    """Say of each flag that this version cannot follow that it has no effect."""
    missing = {
        "--http-port": (options.http_port, "web interface"),
        "--https-port": (options.https_port, "web interface"),
        "--console-port": (options.console_port, "console"),
        "--board": (options.board, "front panel"),
        "--network": (options.network, "network manager"),
    }
    for flag, (value, service) in missing.items():
        if value not in (None, 0, "none"):
            log.warning("%s %s has no effect: this version has no %s yet", flag, value, service)


def _line_url(device: Device) -> str:
    return " and ".join(branch.url for branch in device.line.snapshot().branches if branch.url)


def _banner(options: argparse.Namespace, device: Device, bus: SimulatedBus) -> str:
    """Say where everything listens and what to try."""
    tunnel = device.tunnel.snapshot()
    host = options.bind or "127.0.0.1"
    lines = [
        f"CMe3000 {__version__}, simulated",
        f"  state     {options.state}",
        f"  line      {_line_url(device)} at {device.line.baud} bit/s",
        f"  tunnel    {f'{host} port {tunnel.port}' if tunnel.port else 'off'}",
        *([f"  tunnel    {host} port {tunnel.tls_port} (TLS)"] if tunnel.tls_port else []),
        "  web       not in this version",
        "  console   not in this version",
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
