"""What the flags of the command line ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


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
