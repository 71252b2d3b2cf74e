"""The thread in which bundles are checked and installed, and new firmware is watched."""

from __future__ import annotations

import contextlib
import logging
import random
from typing import TYPE_CHECKING

from appliance.errors import InstallerGone, RebootError, UpdateError
from appliance.service import PATIENCE, Service
from appliance.settings import Transition, update
from appliance.update import container
from appliance.update.fetching import SILENCE, Download
from appliance.update.index import read_index
from appliance.update.installation import carry_out
from appliance.update.proving import Proving
from appliance.update.rauc import ANSWER, INSPECTION, Rauc
from appliance.update.rules import admit
from appliance.update.snapshot import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.settings import Values
    from appliance.update.hawkbit import Hawkbit
    from appliance.update.updater import Updater

log = logging.getLogger(__name__)

DAY = 86_400.0
JITTER = 3600.0
"""Seconds by which the daily look at the index comes earlier or later, so that not all devices come at once."""

FIRST_CHECK = (60.0, 600.0)
"""Seconds after the start, between which the index is read first."""

REBOOT_DELAY = 3.0
"""Seconds in which pages can tell that all is installed."""

RETRIES = (5.0, 600.0)
"""Seconds until RAUC is looked for again, the first time and at most."""

NAMES = 60.0
"""Seconds that finding the address of a server may take, with several name servers that do not answer."""

NEVER = float("inf")

ENDED = "The download was ended."
UNFORESEEN = "The device failed at this file; its log says more."


class UpdateWorker(Service):
    """Does what the updater has to do, one thing after the other, and otherwise rests."""

    def __init__(self, updater: Updater) -> None:
        """Work for `updater`, which outlives this; what another has left half done is taken up."""
        super().__init__("update")
        self._updater = updater
        self._proving = Proving(updater)
        self._has_begun = False
        self._begin_at = self._reboot_at = NEVER
        self._retry = RETRIES[0]
        self._index_at = NEVER
        self._has_new_settings = True
        self._hawkbit: Hawkbit | None = None
        self._busy_with: Rauc | Download | None = None
        updater.wake = self.wake
        self._unsubscribe = updater.settings.subscribe(self._prepare)

    def wake(self) -> None:
        """Make the service come round now (any thread); one that is to stop, or download no more, in the midst too."""
        super().wake()
        busy_with = self._busy_with
        if busy_with is not None and (self.stopping.is_set() or isinstance(busy_with, Download)) and self._must_end:
            busy_with.interrupt()

    def release(self) -> None:
        """Give back what is held."""
        self._unsubscribe()

    def run(self) -> None:
        """Work until told to stop."""
        if self._updater.bus:
            if not self._updater.snapshot().is_available:
                with self._patient(ANSWER):
                    self._updater.shelf.clear()  # what a power cut has left
            self._begin_at = self._updater.clock()
        while not self.stopping.is_set():
            self.beat()
            self._follow_settings()
            self._do_what_is_due()
            due = min(self._begin_at, self._reboot_at, self._index_at, self._proving.due)
            if self._hawkbit is not None:
                due = min(due, self._hawkbit.due)
            if not self._has_work:
                self.rest(None if due == NEVER else max(0.0, due - self._updater.clock()))

    @property
    def _has_work(self) -> bool:
        updater = self._updater
        stage = updater.snapshot().stage
        is_waiting = stage in {Stage.CHECKING, Stage.INSTALLING} or (stage is Stage.RECEIVING and bool(updater.url))
        return self._has_new_settings or (self._has_begun and (is_waiting or updater.wants_index))

    @property
    def _must_end(self) -> bool:
        return self.stopping.is_set() or self._updater.is_cancelled

    def _do_what_is_due(self) -> None:
        updater, now = self._updater, self._updater.clock()
        if now >= self._begin_at:
            self._begin()
        if not self._has_begun:
            return
        try:
            self._go_on_with_bundle()
        except Exception:
            # Not to be tried again and again: whatever it was, the bundle has had its chance.
            log.exception("an update failed in a way that was not foreseen")
            updater.fail(UNFORESEEN)
        if self._hawkbit is not None:
            self._ask_hawkbit(self._hawkbit)
        if now >= self._reboot_at:
            self._reboot()
        if now >= self._proving.due:
            with self._patient(ANSWER):
                self._proving.look(self._rauc)
            if not updater.snapshot().on_trial:
                self._has_new_settings = True
        if updater.wants_index or now >= self._index_at:
            self._read_index()

    def _go_on_with_bundle(self) -> None:
        stage = self._updater.snapshot().stage
        if stage is Stage.RECEIVING and self._updater.url:
            self._fetch()
        elif stage is Stage.CHECKING:
            self._check()
        elif stage is Stage.INSTALLING:
            self._install()

    # The beginning.

    def _begin(self) -> None:
        """Find out what RAUC there is and what it is doing."""
        updater = self._updater
        try:
            with self._rauc() as rauc:
                updater.compatible = rauc.compatible
                is_idle = rauc.operation.is_idle
                is_installed = self._proving.begin(rauc)
        except UpdateError as error:
            self._begin_at = updater.clock() + self._retry
            self._retry = min(2 * self._retry, RETRIES[1])
            text = str(error)
            if updater.snapshot().why_not != text:
                log.warning("firmware cannot be updated: %s", text)
            updater.change(is_available=False, why_not=text)
            return
        self._begin_at, self._has_begun, self._has_new_settings = NEVER, True, True
        updater.change(is_available=True, why_not="")
        if is_installed:
            self._reboot_at = updater.clock() + REBOOT_DELAY
        elif not is_idle and updater.snapshot().stage is not Stage.INSTALLING:
            self._follow_foreign()

    # Bundles.

    def _fetch(self) -> None:
        updater = self._updater
        try:
            with self._patient(SILENCE + NAMES), Download(updater.url, on_progress=self._go_on) as download:
                self._busy_with = download
                updater.shelf.check_size(download.size)
                updater.change(size=download.size)
                if not (updater.can_stream and download.has_ranges and self._is_streamed(download)):
                    updater.take(download, download.size)
        except UpdateError as error:
            if updater.is_cancelled:
                updater.fail("")
                updater.change(stage=Stage.IDLE)
            elif not self.stopping.is_set():
                log.info("nothing was fetched: %s", error)
                updater.fail(str(error))
        finally:
            self._busy_with = None
        updater.url, updater.is_cancelled = "", False

    def _is_streamed(self, download: Download) -> bool:
        """Have RAUC look at the bundle where it is: so no more of it is transferred than is new to the other slot."""
        updater = self._updater
        try:
            with self._rauc(INSPECTION) as rauc:
                found = rauc.inspect_url(download.url)
            bundle = admit(
                found, product=updater.product, compatible=updater.compatible, size=download.size or 0, signer=""
            )
        except UpdateError as error:
            log.info("RAUC does not take the firmware from its server, so it is downloaded: %s", error)
            return False
        finally:
            self._busy_with = download
        updater.source = download.url
        updater.change(stage=Stage.READY, bundle=bundle, received=0)
        return True

    def _check(self) -> None:
        updater, path = self._updater, self._updater.shelf.path
        try:
            with self._rauc(INSPECTION) as rauc:
                container.check(path)
                found = rauc.inspect(str(path))
            bundle = admit(
                found,
                product=updater.product,
                compatible=updater.compatible,
                size=path.stat().st_size,
                signer=container.signer_of(path),
            )
        except OSError as error:
            if not self.stopping.is_set():
                updater.fail(str(error) if isinstance(error, InstallerGone) else f"The file cannot be read: {error}.")
        except UpdateError as error:
            log.info("the firmware is refused: %s", error)
            updater.fail(str(error))
        else:
            updater.change(stage=Stage.READY, bundle=bundle)

    def _install(self) -> None:
        try:
            with self._rauc() as rauc:
                version = carry_out(self._updater, rauc, self._pause)
        except InstallerGone as error:
            if not self.stopping.is_set():
                self._updater.fail(str(error))
            return
        if version:
            self._reboot_at = self._updater.clock() + REBOOT_DELAY

    def _reboot(self) -> None:
        self._reboot_at = NEVER
        try:
            self._updater.reboot("new firmware was installed")
        except RebootError as error:
            self._updater.change(
                error=f"The new firmware starts with the next reboot, which could not be made: {error}."
            )

    def _follow_foreign(self) -> None:
        log.info("an installation is under way already")
        self._updater.shelf.clear()
        self._updater.is_launched = True
        self._updater.change(stage=Stage.INSTALLING, bundle=None, percent=0, message="", error="")

    # What hawkBit wants.

    def _ask_hawkbit(self, hawkbit: Hawkbit) -> None:
        try:
            with self._patient(SILENCE + NAMES):
                hawkbit.work()
        except Exception:
            log.exception("hawkBit was not served, in a way that was not foreseen")
            hawkbit.put_off(UNFORESEEN)
        finally:
            self._busy_with = None

    def _hold(self, download: Download) -> None:
        self._busy_with = download

    def _follow_hawkbit_settings(self, *, is_wanted: bool) -> None:
        if not is_wanted or not self._has_begun:
            self._hawkbit = None
            self._updater.change(hawkbit="")
        elif self._hawkbit is not None:
            self._hawkbit.settings_changed()
        else:
            from appliance.update.hawkbit import Hawkbit  # few devices need it

            self._hawkbit = Hawkbit(self._updater, stopping=self.stopping, on_begin=self._hold, on_progress=self._go_on)

    # Settings and the index.

    def _prepare(self, before: Values, after: Values) -> Transition | None:
        mine = [setting for setting in after if setting.section == "update"]
        if all(before[setting] == after[setting] for setting in mine):
            return None
        return Transition(self._see_settings, lambda: None)

    def _see_settings(self) -> None:
        self._has_new_settings = True
        self.wake()

    def _follow_settings(self) -> None:
        updater = self._updater
        if not self._has_new_settings or not updater.bus:
            self._has_new_settings = False
            return
        self._has_new_settings = False
        values = updater.settings.in_force
        self._follow_hawkbit_settings(is_wanted=values[update.HAWKBIT_ENABLED])
        wants = values[update.CHECK] and values[update.INDEX_URL]
        if not wants:
            self._index_at = NEVER
        elif self._index_at == NEVER:
            self._index_at = updater.clock() + random.uniform(*FIRST_CHECK)  # noqa: S311 (spreads load, hides nothing)

    def _read_index(self) -> None:
        updater, values = self._updater, self._updater.settings.in_force
        updater.wants_index = False
        if values[update.CHECK]:
            self._index_at = updater.clock() + DAY + random.uniform(-JITTER, JITTER)  # noqa: S311 (as above)
        if not values[update.INDEX_URL]:
            return
        try:
            with self._patient(SILENCE + NAMES):
                offer = read_index(
                    values[update.INDEX_URL],
                    running=updater.product.version,
                    compatible=updater.compatible,
                    on_progress=self._go_on,
                )
        except UpdateError as error:
            updater.change(checked_at=updater.wall(), check_error=str(error))
        else:
            updater.change(offer=offer, checked_at=updater.wall(), check_error="")

    # The thread.

    @contextlib.contextmanager
    def _rauc(self, deadline: float = ANSWER) -> Iterator[Rauc]:
        with self._patient(2 * deadline), Rauc(self._updater.bus, program=self._updater.program) as rauc:
            self._busy_with = rauc
            try:
                yield rauc
            finally:
                self._busy_with = None

    @contextlib.contextmanager
    def _patient(self, seconds: float) -> Iterator[None]:
        """Be given these seconds more between two signs of life."""
        self.patience, before = PATIENCE + seconds, self.patience
        try:
            yield
        finally:
            self.patience = before
            self.beat()

    def _pause(self, seconds: float) -> bool:
        self.beat()
        if seconds and not self.stopping.is_set():
            self.rest(seconds)
        return not self.stopping.is_set()

    def _go_on(self) -> None:
        self.beat()
        if self._must_end:
            raise UpdateError(ENDED)
