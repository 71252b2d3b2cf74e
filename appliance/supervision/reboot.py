"""How the program, which may not do so itself, has the device rebooted."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from appliance import atomic
from appliance.errors import RebootError
from appliance.supervision.one_line import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

REQUEST = "CME3000_REBOOT_REQUEST"
"""Environment variable of the unit: the file that asks for a reboot. It is there where something watches that file."""


class Rebooter(Protocol):
    """Makes the device, or what stands for it, begin anew."""

    def reboot(self, why: str) -> None:
        """Ask for a reboot, and return; an orderly stop (SIGTERM, or the like) follows. `why` is for the log.

        :raises RebootError: when it cannot even be asked for.
        """


class RequestFile:
    """Asks through a file. A path unit of systemd watches for it, and reboots as root."""

    def __init__(self, path: Path) -> None:
        """Ask by making the file `path`."""
        self.path = path

    def reboot(self, why: str) -> None:
        """Make the file. What is in it is for people; whoever watches looks only whether it is there.

        :raises RebootError: when it cannot be made.
        """
        log.warning("asking for a reboot: %s", why)
        try:
            atomic.replace(self.path, f"{one_line(why)}\n".encode())
        except OSError as error:
            raise RebootError(error.errno, f"cannot ask for a reboot: {error.strerror}", str(self.path)) from error


class RestartProgram:
    """Stands in where there is no device to reboot: the program is to end in order and then to replace itself."""

    def __init__(self, on_reboot: Callable[[], None] = lambda: None) -> None:
        """Call `on_reboot` when asked (any thread); it has the program stop."""
        self.why: str | None = None
        """Why it was asked for the first time; `None` as long as it was not, so an end means an end."""
        self._on_reboot = on_reboot

    def reboot(self, why: str) -> None:
        """Note the reason, and have the program stop."""
        log.warning("beginning anew in place of a reboot: %s", why)
        if self.why is None:
            self.why = one_line(why)
        self._on_reboot()


def rebooter_for(environ: Mapping[str, str], on_reboot: Callable[[], None] = lambda: None) -> Rebooter:
    """Choose by what the unit says in `environ`; `on_reboot` is for `RestartProgram`."""
    request = environ.get(REQUEST)
    return RequestFile(Path(request)) if request else RestartProgram(on_reboot)
