"""The configuration of rauc-hawkbit-updater, which asks a hawkBit server for firmware (its manual, "Reference")."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appliance import atomic
from appliance.settings import update

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.product import Product
    from appliance.settings import Values

log = logging.getLogger(__name__)

NAME = "hawkbit.conf"
BUNDLE = "hawkbit.romz"
"""What it downloads to, in the folder of the updates."""


class HawkbitFile:
    """The file that is there while a hawkBit server may update this device; systemd starts the updater by it."""

    def __init__(self, runtime: Path, updates: Path, product: Product) -> None:
        """Write into the folder `runtime`; bundles are to be put into the folder `updates`."""
        self.path = runtime / NAME
        self._updates = updates
        self._product = product
        self.fault = ""
        """Why it could not be written; empty when it could."""

    def follow(self, values: Values) -> None:
        """Write the file as `values` want it, or remove it; does nothing when it is as it should be."""
        text = self._text(values)
        try:
            if not text:
                with contextlib.suppress(FileNotFoundError):
                    self.path.unlink()
                with contextlib.suppress(OSError):
                    (self._updates / BUNDLE).unlink()
            elif not self._holds(text):
                atomic.make_folder(self._updates)
                atomic.replace(self.path, text.encode())
                log.info("hawkBit at %s may update this device", values[update.HAWKBIT_URL])
        except OSError as error:
            self.fault = f"hawkBit: the configuration could not be written: {error.strerror}"
            log.error("%s", self.fault)  # noqa: TRY400 (the reason says all)
        else:
            self.fault = ""

    def _holds(self, text: str) -> bool:
        try:
            return self.path.read_text("utf-8") == text
        except (OSError, ValueError):
            return False

    def _text(self, values: Values) -> str:
        server, token = urlsplit(values[update.HAWKBIT_URL]), values[update.HAWKBIT_TOKEN]
        device = values[update.HAWKBIT_DEVICE] or self._product.serial_number
        if not (values[update.HAWKBIT_ENABLED] and server.netloc and token and device):
            return ""
        sections = {
            "client": {
                "hawkbit_server": server.netloc,
                "ssl": "true" if server.scheme.lower() == "https" else "false",
                "ssl_verify": "true",
                "tenant_id": values[update.HAWKBIT_TENANT],
                "target_name": device,
                "auth_token": token,
                "bundle_download_location": str(self._updates / BUNDLE),
                # The gateway itself reboots, once it has looked at what was installed, and stops in order.
                "post_update_reboot": "false",
                "log_level": "message",
            },
            "device": {
                "product": "CMe3000",
                "version": self._product.version,
                "serial_number": self._product.serial_number or "unknown",
                "board": self._product.board or "unknown",
            },
        }
        return "\n".join(
            f"[{section}]\n" + "".join(f"{key}={_escaped(value)}\n" for key, value in entries.items())
            for section, entries in sections.items()
        )


def _escaped(value: str) -> str:
    r"""Write a value for a GKeyFile: the backslash doubled, a space at the beginning as ``\s``."""
    escaped = value.replace("\\", "\\\\")
    return f"\\s{escaped[1:]}" if escaped.startswith(" ") else escaped
