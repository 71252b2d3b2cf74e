"""Goes back to the former network settings unless somebody confirms the new ones after the reboot."""

from __future__ import annotations

import json
import logging
from math import inf
from typing import TYPE_CHECKING

from appliance import atomic
from appliance.errors import InvalidSettings, SaveFailed
from appliance.settings import SECTIONS
from appliance.settings import network as declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.settings import Settings, Values

log = logging.getLogger(__name__)

NAME = "network-confirmed.json"

LOOK = 5.0
"""Seconds between two looks whether somebody has got through to the device."""

AGAIN = 60.0
"""Seconds until another attempt to write the former settings, when the disk refused."""

_LARGEST_FILE = 16384
_SECTIONS = ("network", "link")


class Confirmation:
    """Keeps the network settings with which somebody last got through to the device.

    Settings that have changed since then are on trial for the configured number of minutes after the start. A login,
    or a client of the tunnel, confirms them; else the former ones are saved again and the device reboots. The file
    is on the card, so a power cut during the trial ends in another trial.

    For one thread, but for `confirm`.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        was_used: Callable[[], bool],
        on_revert: Callable[[str], None],
    ) -> None:
        """Keep the file in `folder`; `was_used` tells whether somebody has got through, `on_revert` reboots."""
        self._settings = settings
        self._path = folder / NAME
        self._was_used = was_used
        self._on_revert = on_revert
        self._former: dict[str, str] = {}
        self._is_confirmed = False
        self.until = inf
        """When the trial is over; never, while there is none."""
        self.due = inf
        """When to call `check` next."""

    def start(self, now: float) -> None:
        """Compare the saved settings with those confirmed last, and begin a trial if they differ and that is wanted."""
        minutes = self._settings[declared.CONFIRM_MINUTES]
        present = _texts(self._settings.saved)
        former = self._read()
        if former is None or not minutes:
            if former != present:
                self._keep(present)
            return
        changed = sorted(name for name, text in present.items() if former.get(name, text) != text)
        if not changed:
            return
        self._former = former
        self.until = now + minutes * 60.0
        self.due = min(self.until, now + LOOK)
        log.warning("%s: to be confirmed by a login or a tunnel client within %d min", ", ".join(changed), minutes)

    def confirm(self) -> None:
        """Note that somebody got through to the device (any thread)."""
        self._is_confirmed = True

    def check(self, now: float) -> None:
        """Look whether the trial has ended, and how."""
        if self.until == inf:
            return
        if self._is_confirmed or self._was_used():
            self.until = self.due = inf
            self._keep(_texts(self._settings.saved))
            log.info("the network settings are confirmed")
        elif now < self.until:
            self.due = min(self.until, now + LOOK)
        else:
            self._revert(now)

    def _revert(self, now: float) -> None:
        try:
            self._settings.set(self._former, save=True)
        except SaveFailed as error:
            log.error("the former network settings cannot be saved: %s", error)  # noqa: TRY400 (the reason says all)
            self.due = now + AGAIN
            return
        except InvalidSettings as error:
            log.error("the former network settings are not valid any more: %s", error)  # noqa: TRY400 (likewise)
            self.until = self.due = inf
            return
        self.until = self.due = inf
        self._on_revert("the new network settings were not confirmed")

    def _read(self) -> dict[str, str] | None:
        try:
            with self._path.open("rb") as file:
                content = json.loads(file.read(_LARGEST_FILE))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s cannot be used: %s", self._path, error)
            return None
        known = _texts(self._settings.defaults)
        if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
            log.warning("%s cannot be used: not what is written here", self._path)
            return None
        return {name: text for name, text in content.items() if name in known}

    def _keep(self, texts: dict[str, str]) -> None:
        try:
            atomic.make_folder(self._path.parent)
            atomic.replace(self._path, json.dumps(texts, indent=1).encode() + b"\n")
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)


def _texts(values: Values) -> dict[str, str]:
    """Write the network's settings as texts, without the one that asks for the trial."""
    return {
        setting.name: setting.type.format(values[setting])
        for section in _SECTIONS
        for setting in SECTIONS[section]
        if setting is not declared.CONFIRM_MINUTES
    }
