"""What the flags of the command line ask for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

log = logging.getLogger(__name__)


def overrides(options: argparse.Namespace) -> dict[str, str]:
    """Turn the flags into settings, by name."""
    texts = dict(options.settings)
    switches = {
        "http": ("http.port", {"http.enabled": "off"}),
        "https": ("http.https_port", {"http.tls_1_2": "off", "http.tls_1_3": "off"}),
        "tunnel": ("tunnel.port", {"tunnel.accept_mode": "disabled"}),
        "console": ("console.port", {"console.enabled": "off"}),
    }
    for service, (name, off) in switches.items():
        port = getattr(options, f"{service}_port")
        if port == 0:
            texts.update(off)
        elif port is not None:
            texts[name] = str(port)
    if options.line:
        texts["line.two_wire"] = options.line
    if options.optical:
        texts["line.optical"] = options.optical
    return texts


def tell_what_is_missing(options: argparse.Namespace) -> None:
    """Say of each flag that this version cannot follow that it has no effect."""
    missing = {
        "--http-port": (options.http_port, "web interface"),
        "--https-port": (options.https_port, "web interface"),
        "--console-port": (options.console_port, "console"),
    }
    for flag, (value, service) in missing.items():
        if value not in (None, 0):
            log.warning("%s %s has no effect: this version has no %s yet", flag, value, service)
