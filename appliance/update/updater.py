"""Firmware updates as the rest of the device sees them: what is known, and what people ask for."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from appliance.errors import UpdateBusy, UpdateError, UpdateRefused
from appliance.settings import update
from appliance.update.address import bundle_address
from appliance.update.notes import Notes
from appliance.update.rules import check_name, check_wish
from appliance.update.shelf import CUT, Shelf, is_file
from appliance.update.snapshot import Stage, UpdateSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.product import Product
    from appliance.settings import Settings
    from appliance.update.shelf import Readable

NBD = Path("/sys/module/nbd")
"""The kernel's network block device, which has to be loaded before RAUC uses it (its manual, "HTTP Streaming")."""

NO_SLOTS = "This device has no slots for firmware: it is simulated, or does not run from an image."
STARTING = "It is not known yet whether this device can be updated; try again in a few seconds."
ON_TRIAL = "The firmware that runs is on trial: nothing can be installed before it has proven itself."

_BUSY = {
    Stage.RECEIVING: "Another file is being received.",
    Stage.CHECKING: "Another file is being checked.",
    Stage.INSTALLING: "An update is being installed.",
    Stage.INSTALLED: "An update was installed; the device is about to reboot.",
}


class Updater:
    """State of updates, and the requests of people. Safe for threads; it outlives the service that works for it."""

    def __init__(
        self,
        settings: Settings,
        *,
        state: Path,
        product: Product,
        bus: str,
        ailments: Callable[[], tuple[str, ...]],
        reboot: Callable[[str], None],
        program: tuple[str, ...] = ("rauc",),
        nbd: Path = NBD,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; nothing is looked at before a worker begins.

        :param state: the folder in which bundles and notes are kept.
        :param bus: address of the D-Bus with RAUC; empty where there are no slots.
        :param ailments: says what is wrong with the device, a sentence each; asked while new firmware is on trial.
        :param reboot: has the device begin anew; the text says why.
        :param program: how to call RAUC itself, see `Rauc`.
        :param nbd: is there when the kernel can have a block device on the network, see `can_stream`.
        """
        self.settings = settings
        self.product = product
        self.bus = bus
        self.program = program
        self.ailments = ailments
        self._nbd = nbd
        self.reboot = reboot
        self.clock = clock
        self.wall = wall
        self.shelf = Shelf(state)
        self.notes = Notes(self.shelf)
        self.began_at = clock()
        self.compatible = ""
        """What kind of device this is, for RAUC; empty until that is known."""
        self.url = ""
        """What is to be fetched, or is being."""
        self.source = ""
        """Where the bundle is that is checked or installed: a path or a URL."""
        self.fetched_for = ""
        """Number of the action of a hawkBit server for which the bundle was fetched; empty when it was not for one."""
        self.is_launched = False
        """Whether RAUC has begun with the installation that is under way."""
        self.is_cancelled = False
        """Whether the download that is under way is to end."""
        self.wants_index = False
        """Whether somebody wants the index to be read now."""
        self.wake: Callable[[], None] = lambda: None
        """Tells the worker that there is something to do."""
        self._lock = threading.Lock()
        self._state = UpdateSnapshot(why_not=STARTING if bus else NO_SLOTS)

    def snapshot(self) -> UpdateSnapshot:
        """State now (any thread)."""
        return self._state

    @property
    def can_stream(self) -> bool:
        """Whether RAUC could install a bundle where it is, on a web server; it finds out itself too late."""
        return self._nbd.exists()

    def change(self, **changes: Any) -> None:
        """Change the state (any thread)."""
        with self._lock:
            self._state = replace(self._state, **changes)

    def receive(self, name: str, stream: BinaryIO, size: int | None) -> None:
        """Take an upload; see `UpdateView`."""
        check_name(name)
        with self._lock:
            self._must_be_free()
            self.shelf.check_size(size, is_here=is_file(stream))
            self._begin(size)
            self.url = ""
        self.take(stream, size)
        self.wake()

    def take(self, stream: Readable, size: int | None) -> None:
        """Store `stream` and have it checked; the stage must be `RECEIVING`.

        :raises UpdateError: when it cannot be stored; that is in the state then.
        """
        try:
            received = self.shelf.take(stream, size, lambda count: self.change(received=count))
        except UpdateError as error:
            self.change(stage=Stage.FAILED, error=str(error))
            raise
        except BaseException:
            self.change(stage=Stage.FAILED, error=CUT)
            raise
        self.source = str(self.shelf.path)
        self.change(stage=Stage.CHECKING, received=received, size=received)

    def fetch(self, url: str) -> None:
        """Get a bundle from `url`; see `UpdateView`."""
        url = bundle_address(url)
        with self._lock:
            self._must_be_free()
            if self._state.on_trial:
                raise UpdateBusy(ON_TRIAL)
            self._begin(None)
            self.url, self.is_cancelled = url, False
        self.wake()

    def begin_order(self, url: str, size: int, action: str) -> None:
        """Begin to receive what a hawkBit server has assigned, unless somebody else has a bundle here.

        :param action: the server's number of it.
        :raises UpdateBusy: when another bundle is here or under way, or the running firmware is on trial.
        """
        with self._lock:
            self._must_be_free()
            if self._state.on_trial:
                raise UpdateBusy(ON_TRIAL)
            if self._state.stage is Stage.READY and not self.fetched_for:
                raise UpdateBusy("Another bundle is ready to be installed.")
            self._begin(size)
            self.url, self.is_cancelled, self.fetched_for = url, False, action

    def install(self, *, version: str, confirms_downgrade: bool = False) -> None:
        """Install what is ready; see `UpdateView`."""
        with self._lock:
            self._must_be_free()
            if self._state.on_trial:
                raise UpdateBusy(ON_TRIAL)
            ready = self._state.bundle if self._state.stage is Stage.READY else None
            check_wish(ready, version, confirms_downgrade=confirms_downgrade)
            self.is_launched = False
            self._state = replace(self._state, stage=Stage.INSTALLING, percent=0, message="", error="")
        self.wake()

    def discard(self) -> None:
        """Forget what is ready; see `UpdateView`."""
        with self._lock:
            if self._state.stage is Stage.RECEIVING and self.url:
                self.is_cancelled = True
            elif self._state.stage in _BUSY:
                raise UpdateBusy(_BUSY[self._state.stage])
            else:
                self.shelf.clear()
                self._state = replace(
                    self._state,
                    stage=Stage.IDLE,
                    bundle=None,
                    error="",
                    received=0,
                    size=None,
                    percent=None,
                    message="",
                )
        self.wake()

    def look_for_offer(self) -> None:
        """Read the index; see `UpdateView`."""
        if not self.settings[update.INDEX_URL]:
            raise UpdateRefused("No index is set.")
        if not self._state.is_available:
            raise UpdateError(self._state.why_not)
        self.wants_index = True
        self.wake()

    def fail(self, error: str) -> None:
        """Say why the present bundle is of no use, and remove it."""
        self.shelf.clear()
        self.change(stage=Stage.FAILED, bundle=None, percent=None, message="", error=error)

    def _must_be_free(self) -> None:
        if not self._state.is_available:
            raise UpdateError(self._state.why_not)
        if self._state.stage in _BUSY:
            raise UpdateBusy(_BUSY[self._state.stage])

    def _begin(self, size: int | None) -> None:
        self.shelf.clear()
        self.fetched_for = ""
        self._state = replace(
            self._state,
            stage=Stage.RECEIVING,
            received=0,
            size=size,
            percent=None,
            message="",
            bundle=None,
            error="",
        )
