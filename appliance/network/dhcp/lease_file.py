"""The last lease of an interface, kept over a restart so that the same address can be asked for."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance import atomic
from appliance.errors import InvalidValue
from appliance.network.dhcp.lease import Lease
from appliance.network.interface import check_name

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

FORM = 1
"""Number of the file's form; another one is no lease."""

LARGEST_FILE = 1 << 16
"""Octets that are read at most; ours has one thousand."""

REFRESH = 3600.0
"""Seconds after which a renewal that changed nothing is written all the same.

A lease of a minute would otherwise wear the card out. What is lost is only how long the lease is still good, and that
the server tells.
"""


class LeaseFile:
    """Keeps one lease in the state folder, for one interface with one MAC address."""

    def __init__(self, folder: Path, interface: str, mac: str) -> None:
        """Keep it in `folder`, which is made when it is first needed.

        :raises InvalidValue: when `interface` cannot be the name of an interface.
        """
        self.path = folder / f"lease-{check_name(interface)}.json"
        self._identity = {"form": FORM, "interface": interface, "mac": mac.lower()}
        self._kept: Lease | None = None

    def load(self) -> Lease | None:
        """Give the lease; `None` when there is none, or the file is damaged or of another interface or device."""
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
            if len(data) > LARGEST_FILE:
                raise InvalidValue("the file is too large")
            content = json.loads(data)
            if not isinstance(content, dict) or {name: content.get(name) for name in self._identity} != self._identity:
                raise InvalidValue("it is of another interface or device")
            self._kept = Lease.from_dict(content.get("lease"))
        except FileNotFoundError:
            self._kept = None
        except (OSError, ValueError, RecursionError) as error:
            log.warning("the lease in %s is not used: %s", self.path.name, error)
            self._kept = None
        return self._kept

    def store(self, lease: Lease) -> bool:
        """Keep `lease`: call it once for each that was bound or renewed.

        :returns: whether it was written: not when it is on the disk already, or the disk refuses (which is logged).
        """
        kept = self._kept
        if kept is not None and replace(kept, obtained=lease.obtained) == lease:
            age = lease.obtained - kept.obtained
            if 0 <= age < REFRESH:
                return False
        content = {**self._identity, "lease": lease.to_dict()}
        try:
            atomic.make_folder(self.path.parent)
            atomic.replace(self.path, json.dumps(content, indent=1).encode())
        except OSError as error:
            log.warning("the lease cannot be kept: %s", error)
            return False
        self._kept = lease
        return True

    def forget(self) -> None:
        """Remove the lease: it was released, or refused by the server."""
        self._kept = None
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the lease cannot be removed: %s", error)
