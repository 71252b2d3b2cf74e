"""The AutoIP address that was in use last, to be tried first after a reboot (RFC 3927, 2.1)."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from appliance import atomic

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_LONGEST = 64


class RememberedAddress:
    """Keeps one address in a file, written only when it is another one."""

    def __init__(self, path: Path) -> None:
        """Keep it in the file `path`."""
        self._path = path
        self._kept: IPv4Address | None = None

    def load(self) -> IPv4Address | None:
        """Give the address; None when there is none, or the file is no good."""
        try:
            with self._path.open("rb") as file:
                self._kept = IPv4Address(file.read(_LONGEST).decode("ascii").strip())
        except FileNotFoundError:
            self._kept = None
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s", self._path, error)
            self._kept = None
        return self._kept

    def store(self, address: IPv4Address) -> None:
        """Keep `address`; what the disk refuses is logged."""
        if address == self._kept:
            return
        try:
            atomic.make_folder(self._path.parent)
            atomic.replace(self._path, f"{address}\n".encode("ascii"))
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)
        else:
            self._kept = address
