"""What there is to know of firmware updates, as values that never change, and what people may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime


class Stage(Enum):
    """How far an update is."""

    IDLE = "idle"
    RECEIVING = "receiving"
    """A bundle is being uploaded or fetched."""
    CHECKING = "checking"
    READY = "ready"
    """A bundle that may be installed waits for somebody to say so."""
    INSTALLING = "installing"
    INSTALLED = "installed"
    """The new firmware is in the other slot; the device is about to reboot into it."""
    FAILED = "failed"
    """The last bundle was refused, or could not be installed; nothing of it is left."""


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What a bundle with a good signature says of itself."""

    version: str
    build_date: date | None
    compatible: str
    minimum_version: str
    """The oldest firmware to which a device with this one can go back; empty when it sets no floor."""
    notes: str
    size: int
    """Bytes of the whole file; 0 when it is not known."""
    signer: str
    """Who signed it, as the certificate says; empty where RAUC does not tell."""
    is_older: bool
    """Whether it is older than what runs: a downgrade."""
    is_same: bool
    """Whether it is of the version that runs."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the two places for firmware."""

    name: str
    """A or B."""
    is_running: bool
    is_good: bool | None
    """Whether the boot loader takes it for sound; None when nobody knows."""
    version: str
    installed_at: datetime | None
    tries_left: int | None
    """Boots that it may still try while it is on trial; None when it is not on trial, or nobody knows."""
    holds: str
    """In words, when there is no version: "nothing", "an unfinished installation"."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The newest release that an index offers for this device."""

    version: str
    url: str
    notes: str
    build_date: date | None
    is_newer: bool
    """Whether it is newer than what runs."""


@dataclass(frozen=True, slots=True)
class UpdateSnapshot:
    """State of firmware updates at one moment."""

    is_available: bool = False
    """Whether this device can be updated at all."""
    why_not: str = ""
    """A sentence, when it cannot."""
    stage: Stage = Stage.IDLE
    received: int = 0
    """Bytes of the bundle that are here."""
    size: int | None = None
    """Bytes that it will have; None when that is not known."""
    percent: int | None = None
    """Of the installation."""
    message: str = ""
    """What the installation is doing."""
    bundle: BundleInfo | None = None
    error: str = ""
    """Why the present bundle was refused or failed, in one sentence."""
    slots: tuple[Slot, ...] = ()
    on_trial: bool = False
    """Whether the firmware that runs has not proven itself yet; until then nothing can be installed."""
    trial_ends: float | None = None
    """When it will have proven itself if nothing goes wrong, in monotonic seconds; None while it is not well."""
    last_update: str = ""
    """How the last update ended, in words; kept over reboots."""
    last_failed: bool = False
    offer: Offer | None = None
    checked_at: float | None = None
    """When the index was last read or could not be read, in seconds since 1970."""
    check_error: str = ""
    """Why it could not be read."""
    hawkbit: str = ""
    """What a hawkBit server has assigned, or why it cannot be asked, in a sentence; empty when there is none."""


class UpdateView(Protocol):
    """Firmware updates as pages and console see them; anything may be called by any thread."""

    def snapshot(self) -> UpdateSnapshot:
        """State now."""

    def receive(self, name: str, stream: BinaryIO, size: int | None) -> None:
        """Take an uploaded file from `stream`, and put it on the disk; then it is checked in the background.

        Blocks until the end of the stream. `size` is the number of bytes to come, None when that is not known; a
        stream that ends before was cut.

        :raises UpdateRefused: when it is not called as it must be, too large for the device, or cut; nothing is left.
        :raises UpdateBusy: when another bundle is being received, checked or installed.
        :raises UpdateError: when the device cannot be updated, or its disk fails.
        """

    def fetch(self, url: str) -> None:
        """Get a bundle from `url` in the background, and check it.

        :raises UpdateRefused: when it is no address of a file `cme3000.romz`.
        :raises UpdateBusy: as for `receive`, and while the running firmware is on trial.
        :raises UpdateError: when the device cannot be updated.
        """

    def install(self, *, version: str, confirms_downgrade: bool = False) -> None:
        """Install the bundle that is ready in the background, and reboot into it.

        :param version: the one that whoever asks has seen.
        :raises UpdateRefused: when another version is ready or none, or an older one and that was not confirmed.
        :raises UpdateBusy: while the running firmware is on trial, or something else is under way.
        :raises UpdateError: when the device cannot be updated.
        """

    def discard(self) -> None:
        """Remove the bundle that is ready, or forget that one failed; end a download.

        :raises UpdateBusy: while a bundle is uploaded, checked or installed.
        """

    def look_for_offer(self) -> None:
        """Read the index now, in the background.

        :raises UpdateRefused: when no index is set.
        """
